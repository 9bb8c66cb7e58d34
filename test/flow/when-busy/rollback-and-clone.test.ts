/** Rollback and clone: the config comes from the server, with secret values that the caller may not see. */
import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import { type ApiClient, createApiClient, getActionId } from '../../helpers/api-client.ts'
import { type System, startSystem } from '../../helpers/system.ts'
import { withDatabase } from '../../helpers/with-database.ts'

let system: System
let octopod: ApiClient
/** A developer, who does not see secrets. */
let developer: ApiClient
before(async () => {
  system = await startSystem({ env: { CHECK_INTERVAL: '1' } })
  octopod = createApiClient(system.url)
  developer = createApiClient(system.url, null)
})
after(() => system?.stop())

const rollback = (client: ApiClient, name: string, action_id: number, headers?: Record<string, string>) =>
  client.api('POST', `/deployments/${name}/rollback`, { action_id }, headers)
const clone = (client: ApiClient, source: string, name: string) =>
  client.api('POST', `/deployments/${source}/clone`, { name })
const configOf = async (name: string) =>
  Object.fromEntries(
    (await octopod.fullInfo(name)).deployment.app_overrides.map(([key, value]) => [
      key,
      value.tag === 'ValueAdded' ? value.contents : null,
    ]),
  )

async function createRunning(name: string, app: Record<string, string>): Promise<number> {
  const created = getActionId(await octopod.create(name, app))
  await octopod.waitForStatus(name, 'Running')
  return created
}

suite('rollback', () => {
  test('It deploys the config of an earlier action, secrets included', async () => {
    const first = await createRunning('back', { 'image.tag': 'v1', 'db.password': 'first-secret' })
    await octopod.update('back', { 'image.tag': 'v2', 'db.password': 'second-secret' })
    await octopod.waitForStatus('back', 'Running')
    const rolledBack = await rollback(developer, 'back', first)
    assert.equal(rolledBack.status, 200, rolledBack.text)
    const action = await octopod.waitForActionEnd(getActionId(rolledBack))
    assert.deepEqual(
      [action.state, action.reason],
      ['succeeded', `Rollback to the config of action ${first}.`],
    )
    assert.deepEqual(await configOf('back'), { 'image.tag': 'v1', 'db.password': 'first-secret' })
    assert.doesNotMatch(
      (await developer.api('GET', `/actions/${getActionId(rolledBack)}`)).text,
      /first-secret/,
    )
    const { body } = await octopod.api('GET', '/audit?deployment=back&limit=1')
    const { entries } = body as { entries: { details: Record<string, unknown> }[] }
    assert.equal(entries[0]?.details.rollback_to_action_id, first)
    assert.doesNotMatch(JSON.stringify(entries), /first-secret/)
  })

  test('An action of another deployment and one that is gone are refused with the same words', async () => {
    const other = await createRunning('other', {})
    await createRunning('mine', {})
    const ofOther = await rollback(developer, 'mine', other)
    const unknown = await rollback(developer, 'mine', 999_999)
    for (const [refused, id] of [
      [ofOther, other],
      [unknown, 999_999],
    ] as const) {
      assert.equal(refused.status, 404)
      assert.match(
        refused.text,
        new RegExp(`Deployment mine has no action ${id}: it is of another deployment`),
      )
    }
    await withDatabase(system.databaseUrl, (client) =>
      client.query('delete from actions where id = $1', [other]),
    )
    assert.equal((await rollback(developer, 'other', other)).status, 404)
    assert.equal((await rollback(developer, 'nobody', other)).status, 404)
  })

  test('A config that the scripts do not accept any more is refused by config_check', async () => {
    const first = await createRunning('outdated', { old: 'key' })
    await octopod.update('outdated', {})
    await octopod.waitForStatus('outdated', 'Running')
    await system.setBehavior('config_check', 'reject There is no key old any more.')
    const refused = await rollback(developer, 'outdated', first)
    assert.deepEqual([refused.status, refused.text], [400, 'There is no key old any more.\n'])
    await system.setBehavior('config_check', '')
  })

  test('A config of an older version that no request may have is refused with the reason', async () => {
    const first = await createRunning('ancient', {})
    await withDatabase(system.databaseUrl, (client) =>
      client.query(
        `insert into actions (deployment_id, kind, state, app_overrides, deployment_overrides, actor, source, started_at, finished_at)
           select deployment_id, 'update', 'succeeded', '[["",{"tag":"ValueAdded","contents":"x"}]]', '[]', 'a', 'octopod-1', now(), now()
           from actions where id = $1`,
        [first],
      ),
    )
    const { last_action } = await octopod.fullInfo('ancient')
    const refused = await rollback(developer, 'ancient', last_action?.action_id ?? 0)
    assert.equal(refused.status, 400)
    assert.match(refused.text, /cannot be deployed as it is/)
  })

  test('It waits behind another action, and the same key gives the same action', async () => {
    const first = await createRunning('queued', { 'image.tag': 'v1' })
    const running = getActionId(await octopod.update('queued', { 'behave.update': 'hang' }))
    assert.equal((await rollback(developer, 'queued', first)).status, 409)
    const headers = { 'Octopod-When-Busy': 'wait', 'Idempotency-Key': 'rollback-1' }
    const waiting = await rollback(developer, 'queued', first, headers)
    assert.equal(waiting.status, 200, waiting.text)
    assert.equal(getActionId(await rollback(developer, 'queued', first, headers)), getActionId(waiting))
    await octopod.api('POST', `/actions/${running}/cancel`)
    await octopod.waitForStatus('queued', 'Running')
    assert.deepEqual(await configOf('queued'), { 'image.tag': 'v1' })
  })
})

suite('clone', () => {
  test('The new deployment has the config of the source, secrets included', async () => {
    await createRunning('source', { 'image.tag': 'v1', 'db.password': 'the-secret' })
    const cloned = await clone(developer, 'source', 'copy')
    assert.equal(cloned.status, 200, cloned.text)
    const { last_action } = await octopod.waitForStatus('copy', 'Running')
    assert.deepEqual([last_action?.action, last_action?.reason], ['CreateAction', 'Clone of source.'])
    assert.deepEqual(await configOf('copy'), { 'image.tag': 'v1', 'db.password': 'the-secret' })
    const { body } = await octopod.api('GET', '/audit?deployment=copy&limit=1')
    const { entries } = body as { entries: { details: Record<string, unknown> }[] }
    assert.equal(entries[0]?.details.cloned_from, 'source')
  })

  test('A taken name, a wrong name and an unknown source are refused', async () => {
    await createRunning('taken', {})
    const taken = await clone(developer, 'taken', 'taken')
    assert.deepEqual([taken.status, /taken already exists/.test(taken.text)], [400, true])
    assert.equal((await clone(developer, 'taken', 'Not-A-Name')).status, 400)
    assert.equal((await clone(developer, 'unknown', 'new-one')).status, 404)
  })
})

const policy = `version: 1
rules:
  - { proxy_group: platform, role: admin }
  - { proxy_group: shop, role: developer }
  - { proxy_group: readers, role: viewer }
  - { proxy_group: readers, role: developer, names: [mine-*] }
  - { proxy_group: sandbox, role: developer }
  - { proxy_group: sandbox, role: admin, names: [box-*] }
`

suite('a clone of secrets', () => {
  let limited: System
  let dir: string
  before(async () => {
    dir = await mkdtemp(join(tmpdir(), 'octopod-clone-'))
    const file = join(dir, 'policy.yaml')
    await writeFile(file, policy)
    limited = await startSystem({
      env: {
        OCTOPOD_POLICY: file,
        ACTOR_HEADER: 'X-Person',
        GROUPS_HEADER: 'X-Groups',
        TRUSTED_PROXIES: '127.0.0.1',
        ANONYMOUS_ROLE: 'none',
        CHECK_INTERVAL: '1',
      },
    })
    const admin = as('dora', 'platform')
    const body = {
      app_overrides: [['db.password', { tag: 'ValueAdded', contents: 'the-secret' }]],
      deployment_overrides: [],
    }
    assert.equal((await admin('POST', '/deployments', { name: 'open', ...body })).status, 200)
    assert.equal((await admin('PUT', '/deployments/open/owner', { owner: null })).status, 200)
    assert.equal((await admin('POST', '/deployments', { name: 'doras', ...body })).status, 200)
  })
  after(async () => {
    await limited?.stop()
    await rm(dir, { recursive: true })
  })
  const as = (person: string, group: string) => {
    const { api } = createApiClient(limited.url, null)
    return (method: string, path: string, body?: unknown) =>
      api(method, path, body, { 'X-Person': person, 'X-Groups': group })
  }

  test('Who may update the source may copy its secrets', async () => {
    const cloned = await as('ann', 'shop')('POST', '/deployments/open/clone', { name: 'anns' })
    assert.equal(cloned.status, 200, cloned.text)
  })

  test('Who may only read the source is refused, and so is who would see the secrets in the clone', async () => {
    const notOwner = await as('ann', 'shop')('POST', '/deployments/doras/clone', { name: 'anns-2' })
    const reader = await as('rob', 'readers')('POST', '/deployments/open/clone', { name: 'mine-1' })
    const sandbox = await as('sam', 'sandbox')('POST', '/deployments/open/clone', { name: 'box-1' })
    for (const [refused, words] of [
      [notOwner, /doras has secret values, .*: db\.password/],
      [reader, /open has secret values, .*: db\.password/],
      [sandbox, /You would see secret values of open in box-1: db\.password/],
    ] as const) {
      assert.equal(refused.status, 403, refused.text)
      assert.match(refused.text, words)
      assert.doesNotMatch(refused.text, /the-secret/)
    }
  })

  test('A token that lowers the rights of its owner does not open the secrets to the owner', async () => {
    const created = await as('sam', 'sandbox')('POST', '/tokens', {
      label: 'clone',
      expires_in_days: 1,
      role: 'developer',
    })
    assert.equal(created.status, 200, created.text)
    const { token } = created.body as { token: string }
    const byToken = createApiClient(limited.url, `Bearer ${token}`)
    const refused = await clone(byToken, 'open', 'box-2')
    assert.equal(refused.status, 403, refused.text)
    assert.match(refused.text, /You would see secret values of open in box-2: db\.password/)
    assert.doesNotMatch(refused.text, /the-secret/)
    const unseen = await clone(byToken, 'open', 'sams')
    assert.equal(unseen.status, 200, unseen.text)
  })

  test('The token of a service does not copy secrets that it does not see', async () => {
    const created = await as('sam', 'sandbox')('POST', '/tokens', {
      label: 'previews',
      expires_in_days: 1,
      role: 'developer',
      service: { name: 'previews', owner_group: 'sandbox' },
    })
    assert.equal(created.status, 200, created.text)
    const { token } = created.body as { token: string }
    const refused = await clone(createApiClient(limited.url, `Bearer ${token}`), 'open', 'preview')
    assert.equal(refused.status, 403, refused.text)
    assert.match(refused.text, /open has secret values, which this token does not see: db\.password/)
  })

  test('Who may not create the new name, or not read the source, is refused', async () => {
    const created = await as('rob', 'readers')('POST', '/deployments/open/clone', { name: 'other' })
    assert.match(created.text, /may not create/)
    assert.equal(created.status, 403)
    assert.equal((await as('eve', 'nobody')('POST', '/deployments/open/clone', { name: 'eves' })).status, 403)
  })
})
