/** Many deployments whose archive retention is over: their cleanups leave slots to what people request. */
import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { type ApiClient, createApiClient, getActionId } from '../helpers/api-client.ts'
import { type System, startSystem } from '../helpers/system.ts'
import { waitFor } from '../helpers/wait-for.ts'
import { withDatabase } from '../helpers/with-database.ts'

let system: System
let octopod: ApiClient
before(async () => {
  system = await startSystem({ env: { ACTION_CONCURRENCY: '4', CHECK_INTERVAL: '3600' }, runner: false })
  octopod = createApiClient(system.url)
})
after(() => system?.stop())

const query = async (text: string) =>
  (await withDatabase(system.databaseUrl, (db) => db.query(text))).rows[0] as Record<string, number>

const readCleanups = () =>
  query(`select count(*)::int as active, count(*) filter (where state = 'running')::int as running
    from actions where source = 'retention' and state in ('queued', 'running')`)

test('Forty expired archives occupy half of the slots, and a create does not wait for them', async () => {
  const release = join(system.dir, 'release')
  await system.setBehavior('cleanup', `wait ${release}`)
  await query(`insert into deployments (name, status, archived_at, app_overrides, deployment_overrides, links)
    select 'expired-' || n, 'Archived', now() - interval '100 days', '[]', '[]', '[]' from generate_series(1, 40) n`)
  await system.startRunner()
  await waitFor('two cleanups run', async () => {
    const cleanups = await readCleanups()
    return { done: cleanups.running === 2, value: null, seen: cleanups }
  })
  const created = await octopod.waitForActionEnd(getActionId(await octopod.create('prompt')))
  assert.equal(created.state, 'succeeded')
  assert.deepEqual(await readCleanups(), { active: 2, running: 2 })

  await writeFile(release, '')
  await waitFor(
    'all expired archives are cleaned up',
    async () => {
      const { left } = await query(
        `select count(*)::int as left from deployments where name like 'expired-%'`,
      )
      return { done: left === 0, value: null, seen: left }
    },
    60_000,
  )
})

test('While a request of a person waits for a slot no cleanup starts', async () => {
  const release = join(system.dir, 'release-creates')
  const creates = await Promise.all(
    [1, 2, 3, 4, 5].map((count) => octopod.create(`wait-${count}`, { 'behave.create': `wait ${release}` })),
  )
  await waitFor('four creates run', async () => {
    const { running } = await query(`select count(*)::int as running from actions where state = 'running'`)
    return { done: running === 4, value: null, seen: running }
  })
  await query(`insert into deployments (name, status, archived_at, app_overrides, deployment_overrides, links)
    select 'late-' || n, 'Archived', now() - interval '100 days', '[]', '[]', '[]' from generate_series(1, 10) n`)
  // Each action that ends lets the retention look for free slots.
  await writeFile(release, '')
  for (const reply of creates)
    assert.equal((await octopod.waitForActionEnd(getActionId(reply))).state, 'succeeded')
  const { early } = await query(`select count(*)::int as early from actions cleanup
    where cleanup.source = 'retention' and exists (select from actions a where a.source <> 'retention'
      and a.created_at < cleanup.created_at and a.started_at > cleanup.created_at)`)
  assert.equal(early, 0, 'cleanups requested while a create waited')
  await waitFor('the cleanups follow', async () => {
    const { left } = await query(`select count(*)::int as left from deployments where name like 'late-%'`)
    return { done: left === 0, value: null, seen: left }
  })
})
