/** The endpoint whoami: role, actor and source by credential and headers. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { createApiClient } from '../helpers/api-client.ts'
import { type System, startSystem } from '../helpers/system.ts'

let system: System
before(async () => {
  const env = { APP_AUTHORIZATION_HEADER: 'Bearer the-users', PROJECT_NAME: 'octo-tests' }
  system = await startSystem({ runner: false, env })
})
after(() => system.stop())

test('whoami returns role, actor and source, and rejects an unknown credential', async () => {
  const whoami = (authorization: string | null, headers: Record<string, string> = {}) =>
    createApiClient(system.url, authorization).api('GET', '/whoami', undefined, headers)
  const named = { 'Octopod-Actor': '%C3%84nne', 'Octopod-Source': 'ci' }
  const nobody = {
    proof: 'shared',
    issuer: null,
    subject: null,
    email: null,
    groups: [],
    respects_owners: false,
  }
  const common = { ...nobody, project: 'octo-tests', output_readers: 'developer', has_session: false }
  const admin = await whoami(system.adminHeader, named)
  assert.deepEqual(admin.body, {
    ...common,
    role: 'admin',
    actor: 'admin',
    claimed_actor: 'Änne',
    grants: [{ role: 'admin', names: ['*'], rule: 'POWER_AUTHORIZATION_HEADER' }],
    source: 'ci',
    can_read_output: true,
    name_max_length: 16,
    has_app_logs: false,
    credential_recognized: true,
  })
  const user = await whoami('Bearer the-users', { 'Octopod-Source': 'api' })
  assert.deepEqual(user.body, {
    ...common,
    role: 'developer',
    actor: 'user',
    claimed_actor: null,
    grants: [{ role: 'developer', names: ['*'], rule: 'APP_AUTHORIZATION_HEADER (USER_ROLE)' }],
    source: 'api',
    can_read_output: true,
    name_max_length: 16,
    has_app_logs: false,
    credential_recognized: true,
  })
  const unknown = await whoami('Bearer the-users', { 'Octopod-Source': 'elsewhere' })
  assert.equal(unknown.status, 400)
  assert.match(unknown.text, /Octopod-Source/)
  const wrong = await whoami('Bearer wrong')
  assert.equal(wrong.status, 401)
  assert.match(wrong.headers.get('www-authenticate') ?? '', /^Octopod /)
  assert.equal((await whoami(null)).status, 401)
})
