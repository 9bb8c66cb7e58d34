import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readSettings } from '../../../domain/settings.ts'
import { actorOf, requireRole, requireSameOrigin, roleOf } from '../../../functions/auth/credentials.ts'

const stores = { DATABASE_URL: 'postgres://x', REDIS_URL: 'redis://x' }
const open = readSettings('server', { ...stores, POWER_AUTHORIZATION_HEADER: 'Bearer a' })
const closed = readSettings('server', {
  ...stores,
  POWER_AUTHORIZATION_HEADER: 'Bearer a',
  APP_AUTHORIZATION_HEADER: 'Basic dTpw',
})
const given = (headers: Record<string, string>) => ({ get: (name: string) => headers[name.toLowerCase()] })

test('the credential gives the role', () => {
  assert.equal(roleOf(open, 'Bearer a'), 'admin')
  assert.equal(roleOf(open, undefined), 'user')
  assert.equal(roleOf(open, 'Bearer b'), 'user')
  assert.equal(roleOf(closed, 'Bearer a'), 'admin')
  assert.equal(roleOf(closed, 'Basic dTpw'), 'user')
  for (const wrong of [undefined, '', 'Bearer', 'bearer a', 'Bearer a ', 'Basic dTp'])
    assert.equal(roleOf(closed, wrong), 'open')
})

test('without an admin credential configured nobody is admin', () => {
  const none = readSettings('server', stores)
  for (const header of [undefined, '', 'undefined', 'null']) assert.equal(roleOf(none, header), 'user')
})

test('missing is 401, too little is 403', () => {
  assert.throws(() => requireRole('user', 'admin', undefined), { code: 'not_signed_in' })
  assert.throws(() => requireRole('user', 'admin', 'Bearer b'), { code: 'not_allowed' })
  assert.throws(() => requireRole('open', 'user', 'Bearer b'), { code: 'not_signed_in' })
  assert.doesNotThrow(() => requireRole('admin', 'user', 'Bearer a'))
})

test('a trusted header names the actor; what the client says of itself counts only without one', () => {
  const trusting = { ...open, ACTOR_HEADER: 'X-Forwarded-User' }
  const both = given({ 'x-forwarded-user': 'anna', 'octopod-actor': 'mallory' })
  assert.equal(actorOf(trusting, 'user', both).actor, 'anna')
  assert.equal(actorOf(open, 'user', both).actor, 'mallory')
  assert.equal(actorOf(open, 'user', given({ authorization: `Basic ${btoa('bob:secret')}` })).actor, 'bob')
  assert.equal(actorOf(open, 'user', given({})).actor, 'user')
  assert.equal(actorOf(open, 'user', given({ 'octopod-actor': 'a%0Ab'.repeat(200) })).actor.length, 200)
  assert.doesNotMatch(actorOf(open, 'user', given({ 'octopod-actor': 'a%0Ab' })).actor, /\n/)
})

test('a foreign origin is refused, ours and none are not', () => {
  const named = { ...open, APP_URL: ['https://octopod.example.com'] }
  assert.doesNotThrow(() => requireSameOrigin(open, given({ host: 'here:8080' })))
  assert.doesNotThrow(() => requireSameOrigin(open, given({ host: 'here:8080', origin: 'http://here:8080' })))
  assert.throws(() => requireSameOrigin(open, given({ host: 'here:8080', origin: 'http://there' })), {
    code: 'wrong_origin',
  })
  assert.throws(() => requireSameOrigin(open, given({ host: 'here:8080', origin: 'null' })), {
    code: 'wrong_origin',
  })
  // HTTP/1.0 has no Host: nothing is like nothing, but not allowed.
  for (const origin of ['null', 'junk', 'http://there'])
    assert.throws(() => requireSameOrigin(open, given({ origin })), { code: 'wrong_origin' })
  assert.doesNotThrow(() =>
    requireSameOrigin(named, given({ host: 'inner', origin: 'https://octopod.example.com' })),
  )
  assert.throws(() => requireSameOrigin(named, given({ host: 'inner', origin: 'http://inner' })), {
    code: 'wrong_origin',
  })
})
