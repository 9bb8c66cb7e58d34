import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readSettings } from '../../../domain/read-settings.ts'
import { identify, requireRole } from '../../../functions/auth/credentials.ts'

const requiredSettings = { DATABASE_URL: 'postgres://x', REDIS_URL: 'redis://x' }
const open = readSettings('server', { ...requiredSettings, POWER_AUTHORIZATION_HEADER: 'Bearer a' })
const closed = readSettings('server', {
  ...requiredSettings,
  POWER_AUTHORIZATION_HEADER: 'Bearer a',
  APP_AUTHORIZATION_HEADER: 'Basic dTpw',
})

const roleOf = (settings: typeof open, authorization: string | undefined) =>
  identify(settings, authorization).role

test('The credential decides the role', () => {
  assert.equal(roleOf(open, 'Bearer a'), 'admin')
  assert.equal(roleOf(open, undefined), 'user')
  assert.equal(roleOf(open, 'Bearer b'), 'user')
  assert.equal(roleOf(closed, 'Bearer a'), 'admin')
  assert.equal(roleOf(closed, 'Basic dTpw'), 'user')
  for (const wrong of [undefined, '', 'Bearer', 'bearer a', 'Bearer a ', 'Basic dTp'])
    assert.equal(roleOf(closed, wrong), 'open')
})

test('Without a configured admin credential no request is admin', () => {
  const none = readSettings('server', requiredSettings)
  for (const header of [undefined, '', 'undefined', 'null']) assert.equal(roleOf(none, header), 'user')
})

test('A missing credential is 401, an insufficient one 403', () => {
  assert.throws(() => requireRole('user', 'admin', undefined), { code: 'unauthenticated' })
  assert.throws(() => requireRole('user', 'admin', 'Bearer b'), { code: 'forbidden' })
  assert.throws(() => requireRole('open', 'user', 'Bearer b'), { code: 'unauthenticated' })
  assert.doesNotThrow(() => requireRole('admin', 'user', 'Bearer a'))
})
