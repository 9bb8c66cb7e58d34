/** Which of several proofs counts, and what it gives. Sessions are in sessions.test.ts. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { highestRole } from '../../../domain/access/roles.ts'
import { requireRight } from '../../../functions/auth/require-right.ts'
import { rawRequest, serverSettings, testAuth } from '../access/fixtures.ts'

const admin = { POWER_AUTHORIZATION_HEADER: 'Bearer a\nBearer next' }
const user = { APP_AUTHORIZATION_HEADER: 'Basic dTpw' }
const proxy = { ACTOR_HEADER: 'X-User', GROUPS_HEADER: 'X-Groups', TRUSTED_PROXIES: '10.0.0.0/30' }

async function identify(
  environment: Record<string, string>,
  headers: Record<string, string>,
  peerAddress = '203.0.113.9',
) {
  const settings = serverSettings(environment)
  return testAuth(settings).identifier.identify(rawRequest(headers, peerAddress))
}
const roleOf = async (environment: Record<string, string>, headers: Record<string, string>, peer?: string) =>
  highestRole((await identify(environment, headers, peer)).permissions.grants)

test('The shared credential decides the role; a wrong one counts as none', async () => {
  assert.equal(await roleOf(admin, { authorization: 'Bearer a' }), 'admin')
  assert.equal(await roleOf(admin, { authorization: 'Bearer next' }), 'admin')
  assert.equal(await roleOf(admin, {}), 'developer')
  assert.equal(await roleOf({ ...admin, ANONYMOUS_ROLE: 'viewer' }, { authorization: 'Bearer b' }), 'viewer')
  const closed = { ...admin, ...user }
  assert.equal(await roleOf(closed, { authorization: 'Bearer a' }), 'admin')
  assert.equal(await roleOf(closed, { authorization: 'Basic dTpw' }), 'developer')
  assert.equal(await roleOf({ ...closed, USER_ROLE: 'viewer' }, { authorization: 'Basic dTpw' }), 'viewer')
  for (const wrong of ['', 'Bearer', 'bearer a', 'Bearer a ', 'Basic dTp', 'Bearer a\nBearer next'])
    assert.equal(await roleOf(closed, { authorization: wrong }), null, wrong)
  assert.equal(
    await roleOf(
      { ...closed, SHARED_CREDENTIALS: 'off', ANONYMOUS_ROLE: 'none' },
      { authorization: 'Bearer a' },
    ),
    null,
  )
})

test('Without a configured credential no header gives a role', async () => {
  for (const header of ['undefined', 'null', ' '])
    assert.equal(await roleOf({ ANONYMOUS_ROLE: 'none' }, { authorization: header }), null)
})

test('A person of the proxy counts only at the connection of a trusted proxy', async () => {
  const headers = { 'x-user': 'anna', 'x-groups': 'shop, ops' }
  const known = await identify(proxy, headers, '10.0.0.1')
  assert.deepEqual(known.person, { issuer: 'proxy', subject: 'anna' })
  assert.deepEqual(known.groups, ['shop', 'ops'])
  assert.equal((await identify(proxy, headers)).proof, 'anonymous')
  // An address in a header is no connection.
  const forwarded = { ...headers, 'x-forwarded-for': '10.0.0.1' }
  assert.equal((await identify(proxy, forwarded)).proof, 'anonymous')
})

test('Behind a proxy the person acts; the admin credential adds its rights and the user credential none', async () => {
  const settings = { ...admin, ...user, ...proxy, SIGNED_IN_ROLE: 'viewer' }
  const asAdmin = await identify(settings, { 'x-user': 'anna', authorization: 'Bearer a' }, '10.0.0.1')
  assert.deepEqual(
    [asAdmin.name, asAdmin.proof, highestRole(asAdmin.permissions.grants)],
    ['anna', 'proxy', 'admin'],
  )
  const asUser = await identify(settings, { 'x-user': 'anna', authorization: 'Basic dTpw' }, '10.0.0.1')
  assert.deepEqual([asUser.name, highestRole(asUser.permissions.grants)], ['anna', 'viewer'])
})

test('Headers of a proxy that a client may have added to are refused', async () => {
  const twice = (name: string) => ({
    ...rawRequest({ 'x-user': 'anna', 'x-groups': 'shop, admins' }, '10.0.0.1'),
    countLines: (asked: string) => (asked.toLowerCase() === name ? 2 : 1),
  })
  const { identifier } = testAuth(serverSettings(proxy))
  for (const name of ['x-user', 'x-groups'])
    assert.throws(() => identifier.identify(twice(name)), { code: 'bad_request', message: /more than once/ })
  assert.throws(() => identifier.identify(rawRequest({ 'x-groups': 'admins' }, '10.0.0.1')), {
    code: 'bad_request',
  })
})

test('A missing proof is 401 and lists the ways to sign in; a missing right is 403 and names who has it', async () => {
  const settings = serverSettings({ ...admin, ...user, ...proxy })
  const { identifier } = testAuth(settings)
  const anonymous = await identifier.identify(rawRequest({}))
  assert.throws(() => requireRight(settings, anonymous, 'read'), {
    code: 'unauthenticated',
    message: /come through the proxy that signs people in, or send the Authorization header/,
  })
  const developer = await identifier.identify(rawRequest({ authorization: 'Basic dTpw' }))
  assert.throws(() => requireRight(settings, developer, 'delete', { name: 'pr-7' }), {
    code: 'forbidden',
    message:
      'user may not delete the record of this deployment (right delete). The role admin may delete the record of this deployment; ask an admin.',
  })
  assert.doesNotThrow(() => requireRight(settings, developer, 'archive', { name: 'pr-7', owner: someone }))
  const anna = await identifier.identify(rawRequest({ 'x-user': 'anna' }, '10.0.0.1'))
  assert.throws(() => requireRight(settings, anna, 'archive', { name: 'pr-7', owner: someone }), {
    code: 'forbidden',
    message:
      'anna may not archive this deployment: Ben owns pr-7. The role operator or admin may archive this deployment, or its owner.',
  })
})

const someone = { issuer: 'https://login.example', subject: '7', name: 'Ben' }
