/** Which hosts a request without a credential may ask for. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createHostRule } from '../../../functions/access/allowed-hosts.ts'
import { createSenderReader } from '../../../functions/access/sender.ts'
import { rawRequest, serverSettings, testAuth } from './fixtures.ts'

function ruleFor(environment: Record<string, string>) {
  const settings = serverSettings(environment)
  const rule = createHostRule(
    settings,
    createSenderReader(settings),
    testAuth(settings).identifier.hasValidHeader,
  )
  return (host: string | undefined, headers: Record<string, string> = {}) => {
    try {
      const checked = rule(rawRequest({ ...(host === undefined ? {} : { host }), ...headers }, '10.0.0.1'))
      assert.equal(checked, undefined)
      return true
    } catch (error) {
      assert.equal((error as { status?: number }).status, 421)
      return false
    }
  }
}

test('Without APP_URL, names of this machine and addresses are answered, other names are not', () => {
  const isAnswered = ruleFor({})
  for (const host of [
    'localhost',
    'localhost:8080',
    'LOCALHOST.',
    'octopod.localhost:80',
    '127.0.0.1:8080',
    '10.2.3.4',
    '[::1]:8080',
  ])
    assert.ok(isAnswered(host), host)
  for (const host of [
    'evil.example',
    'localhost.evil.example',
    '127.0.0.1.evil.example',
    'localhost:80@evil.example',
    'a b',
    '',
    undefined,
  ])
    assert.ok(!isAnswered(host), String(host))
})

test('With APP_URL its hosts and those of ALLOWED_HOSTS are answered, with any or default port', () => {
  const isAnswered = ruleFor({
    APP_URL: 'https://octopod.example.com/, http://other.example.com:8080',
    ALLOWED_HOSTS: 'API.example.com, inner:9000, [2001:db8::1]',
  })
  for (const host of [
    'octopod.example.com',
    'octopod.example.com:443',
    'Octopod.Example.com.',
    'other.example.com',
    'api.example.com:80',
    'inner:9000',
    '[2001:db8::1]:8080',
  ])
    assert.ok(isAnswered(host), host)
  for (const host of ['localhost', '127.0.0.1', 'inner', 'inner:80', 'evil.example', 'x.octopod.example.com'])
    assert.ok(!isAnswered(host), host)
  assert.ok(ruleFor({ ALLOWED_HOSTS: '*' })('evil.example'))
})

test('A request with a valid credential is answered at every host, one with a wrong credential is not', () => {
  const isAnswered = ruleFor({ POWER_AUTHORIZATION_HEADER: 'Basic admin' })
  assert.ok(isAnswered('evil.example', { authorization: 'Basic admin' }))
  // A page that has rebound its name may send any header.
  assert.ok(!isAnswered('evil.example', { authorization: 'Basic guess' }))
  assert.ok(!isAnswered('evil.example', { authorization: '' }))
  assert.ok(!ruleFor({})('evil.example', { authorization: 'Basic guess' }))
})

test('The host that a proxy forwards counts only from TRUSTED_PROXIES', () => {
  const headers = { 'x-forwarded-host': 'octopod.example.com' }
  const APP_URL = 'https://octopod.example.com'
  assert.ok(!ruleFor({ APP_URL })('inner', headers))
  assert.ok(ruleFor({ APP_URL, TRUSTED_PROXIES: '10.0.0.1' })('inner', headers))
})

test('An invalid host or proxy stops the start with the name of the setting', () => {
  assert.throws(
    () => serverSettings({ ALLOWED_HOSTS: 'https://octopod.example.com' }),
    /ALLOWED_HOSTS must be/,
  )
  assert.throws(() => serverSettings({ TRUSTED_PROXIES: '10.0.0.0/99' }), /TRUSTED_PROXIES must be/)
})
