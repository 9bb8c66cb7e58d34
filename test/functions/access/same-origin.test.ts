import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readSettings } from '../../../domain/read-settings.ts'
import { requireSameOrigin } from '../../../functions/http/same-origin.ts'

const settings = readSettings('server', { DATABASE_URL: 'postgres://x', REDIS_URL: 'redis://x' })
const headersOf = (headers: Record<string, string>) => ({
  get: (name: string) => headers[name.toLowerCase()],
})

test('A foreign origin is rejected; the own origin and a missing one are accepted', () => {
  const withAppUrl = { ...settings, APP_URL: ['https://octopod.example.com'] }
  assert.doesNotThrow(() => requireSameOrigin(settings, headersOf({ host: 'here:8080' })))
  assert.doesNotThrow(() =>
    requireSameOrigin(settings, headersOf({ host: 'here:8080', origin: 'http://here:8080' })),
  )
  assert.throws(() => requireSameOrigin(settings, headersOf({ host: 'here:8080', origin: 'http://there' })), {
    code: 'wrong_origin',
  })
  assert.throws(() => requireSameOrigin(settings, headersOf({ host: 'here:8080', origin: 'null' })), {
    code: 'wrong_origin',
  })
  // A request of HTTP/1.0 has no Host: its origin is rejected too.
  for (const origin of ['null', 'junk', 'http://there'])
    assert.throws(() => requireSameOrigin(settings, headersOf({ origin })), { code: 'wrong_origin' })
  assert.doesNotThrow(() =>
    requireSameOrigin(withAppUrl, headersOf({ host: 'inner', origin: 'https://octopod.example.com' })),
  )
  assert.throws(() => requireSameOrigin(withAppUrl, headersOf({ host: 'inner', origin: 'http://inner' })), {
    code: 'wrong_origin',
  })
})
