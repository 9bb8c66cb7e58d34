/** Which origins may send a request. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createOriginRule } from '../../../functions/access/same-origin.ts'
import { createSenderReader } from '../../../functions/access/sender.ts'
import { rawRequest, serverSettings } from './fixtures.ts'

function originTest(environment: Record<string, string> = {}) {
  const settings = serverSettings(environment)
  const rule = createOriginRule(settings, createSenderReader(settings))
  return (headers: Record<string, string>) => {
    try {
      rule(rawRequest(headers))
      return true
    } catch (error) {
      assert.equal((error as { code?: string }).code, 'wrong_origin')
      return false
    }
  }
}

test('A foreign origin is rejected; the own origin and a missing one are accepted', () => {
  const accepts = originTest()
  assert.ok(accepts({ host: 'here:8080' }))
  assert.ok(accepts({ host: 'here:8080', origin: 'http://here:8080' }))
  for (const origin of ['http://there', 'http://here', 'null', 'junk'])
    assert.ok(!accepts({ host: 'here:8080', origin }), origin)
  // A request of HTTP/1.0 has no Host: its origin is rejected too.
  for (const origin of ['null', 'junk', 'http://there']) assert.ok(!accepts({ origin }), origin)
})

test('With APP_URL its origins are accepted, and hosts of ALLOWED_HOSTS that are also the Host', () => {
  const APP_URL = 'https://octopod.example.com'
  const accepts = originTest({ APP_URL })
  assert.ok(accepts({ host: 'inner', origin: 'https://octopod.example.com' }))
  assert.ok(!accepts({ host: 'inner', origin: 'http://inner' }))
  assert.ok(!accepts({ host: 'octopod.example.com', origin: 'http://octopod.example.com' }))
  const withHosts = originTest({ APP_URL, ALLOWED_HOSTS: 'inner' })
  assert.ok(withHosts({ host: 'inner', origin: 'http://inner' }))
  assert.ok(!withHosts({ host: 'inner', origin: 'http://other' }))
})

test('The default port of the scheme may be written or not, in Host and in Origin', () => {
  const accepts = originTest()
  for (const [origin, host] of [
    ['https://here', 'here:443'],
    ['https://here:443', 'here'],
    ['http://here', 'here:80'],
  ] as const)
    assert.ok(accepts({ origin, host }), `${origin} ${host}`)
  assert.ok(!accepts({ origin: 'https://here', host: 'here:80' }))
  assert.ok(originTest({ APP_URL: 'https://here:443' })({ origin: 'https://here', host: 'inner' }))
})

test('The message names Host and APP_URL', () => {
  const settings = serverSettings()
  const rule = createOriginRule(settings, createSenderReader(settings))
  assert.throws(
    () => rule(rawRequest({ host: 'inner:8080', origin: 'https://octopod.example.com' })),
    /from https:\/\/octopod\.example\.com .*Host is inner:8080.* APP_URL is not set/,
  )
})
