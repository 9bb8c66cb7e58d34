/**
 * The history of a whole system: a large deployment is deleted behind, limits remove actions and output, readers see
 * it.
 */
import assert from 'node:assert/strict'
import { after, before, suite, test } from 'node:test'
import { type ApiClient, adminHeaders, createApiClient, getActionId } from '../helpers/api-client.ts'
import { openEventStream } from '../helpers/sse-client.ts'
import { type System, startSystem } from '../helpers/system.ts'
import { waitFor } from '../helpers/wait-for.ts'
import { withDatabase } from '../helpers/with-database.ts'
import { runOcto } from '../octo/fake-server.ts'

let system: System
let octopod: ApiClient
const query = async (...statements: string[]) =>
  withDatabase(system.databaseUrl, async (db) => {
    let row: Record<string, number> = {}
    for (const statement of statements) row = (await db.query(statement)).rows[0]
    return row
  })

const createFinished = async (name: string): Promise<number> => {
  const actionId = getActionId(await octopod.create(name))
  await octopod.waitForActionEnd(actionId)
  return actionId
}

/** Without triggers, for speed. */
const addChunks = (actionId: number, count: number) =>
  query(
    'set session_replication_role = replica',
    `insert into action_output (action_id, seq, stream, text, fencing_token)
     select ${actionId}, 1000 + n, 'stdout', 'x', 0 from generate_series(1, ${count}) n`,
  )

suite('a deployment with 200,000 chunks of output', () => {
  before(async () => {
    system = await startSystem({ env: { CHECK_INTERVAL: '3600' } })
    octopod = createApiClient(system.url)
  })
  after(() => system?.stop())

  const countChunks = async () => (await query('select count(*)::int as count from action_output')).count ?? 0

  test('is gone at once when it is deleted, and a killed runner leaves the rest of its rows to the next one', async () => {
    const actionId = await createFinished('large')
    await addChunks(actionId, 200_000)
    // The runner must find the rows, not the end of its work.
    const deleted = await octopod.api('DELETE', '/deployments/large/delete')
    assert.equal(deleted.status, 200)
    for (const path of [`/actions/${actionId}`, `/actions/${actionId}/output`, `/log/${actionId}`])
      assert.equal((await octopod.api('GET', path)).status, 404, path)
    await createFinished('large')
    assert.equal((await octopod.actions('large')).length, 1)

    await waitFor('the runner has deleted some rows', async () => {
      const count = await countChunks()
      return { done: count < 195_000, value: null, seen: count }
    })
    system.runner.signal('SIGKILL')
    await system.runner.exited
    const left = await countChunks()
    assert.ok(left > 1000, `${left} chunks are left`)
    await system.startRunner()
    await waitFor(
      'the next runner deletes the rest',
      async () => {
        const count = await countChunks()
        return { done: count < 10, value: null, seen: count }
      },
      60_000,
    )
  })

  test('is gone at once when its cleanup ends', async () => {
    const actionId = await createFinished('large-2')
    await octopod.waitForStatus('large-2', 'Running')
    await octopod.archive('large-2')
    await octopod.waitForStatus('large-2', 'Archived')
    await addChunks(actionId, 200_000)
    await withDatabase(system.databaseUrl, async (db) => {
      // The lock of inExclusiveTransaction: no runner deletes the actions meanwhile.
      await db.query(`select pg_advisory_lock(hashtextextended('octopod history', 0))`)
      await octopod.cleanup('large-2')
      await octopod.waitUntilDeleted('large-2')
      assert.ok((await countChunks()) > 200_000)
    })
  })
})

/** Called repeatedly: a sweep that is at its end now plans the next one for later. */
const nextSweepNow = () => query(`update history_sweeps set next_at = now() where name <> 'count'`)

suite('limits', () => {
  before(async () => {
    system = await startSystem({
      env: { CHECK_INTERVAL: '3600', OUTPUT_RETENTION: String(30 * 86_400), ACTION_HISTORY_LIMIT: '3' },
    })
    octopod = createApiClient(system.url)
  })
  after(() => system?.stop())

  const update = async () => {
    await octopod.waitForStatus('kept', 'Running')
    await octopod.waitForActionEnd(getActionId(await octopod.update('kept')))
  }

  test('remove old output, and every reader sees why', async () => {
    const actionId = await createFinished('kept')
    await update()
    const reason = 'The output was removed after 30 days (OUTPUT_RETENTION).'
    await query(
      'set session_replication_role = replica',
      `update actions set finished_at = now() - interval '31 days' where id = ${actionId}`,
    )
    await waitFor('the output is removed', async () => {
      await nextSweepNow()
      const { body } = await octopod.api('GET', `/actions/${actionId}/output`)
      const page = body as { chunks: unknown[]; done: boolean; output_removal_reason?: string }
      return { done: page.output_removal_reason === reason && page.done, value: null, seen: page }
    })
    const [newest, removed] = await octopod.actions('kept')
    assert.equal(removed?.output_removal_reason, reason)
    assert.equal(newest?.output_removal_reason, null)
    assert.deepEqual(
      ((await octopod.api('GET', `/log/${actionId}`)).body as Record<string, unknown>).stderr,
      { un_stderr: `octopod: ${reason}\n` },
    )
    const stream = await openEventStream(
      `${system.url}/api/v1/actions/${actionId}/output/stream`,
      adminHeaders,
    )
    const events = await stream.rest()
    assert.deepEqual(
      events.map(({ event, data }) => [event, JSON.parse(data).output_removal_reason]),
      [['end', reason]],
    )
    const environment = { OCTOPOD_URL: system.url, OCTO_AUTHORIZATION_HEADER: system.adminHeader }
    for (const more of [['-l', 'stdout'], ['--follow'], ['--tail', '5'], ['-o', 'jsonl']]) {
      const { code, stderr } = await runOcto(environment, 'logs', '-a', String(actionId), ...more)
      assert.deepEqual([code, stderr.split(reason).length], [0, 2], more.join(' '))
    }
    const doctor = await runOcto(environment, 'doctor')
    assert.match(
      doctor.stdout,
      /^ok +history +\d.* limited by OUTPUT_RETENTION 30 days, ACTION_HISTORY_LIMIT 3$/m,
    )
  })

  test('delete the oldest actions of a deployment', async () => {
    for (let count = 0; count < 4; count += 1) await update()
    await waitFor('three actions are left', async () => {
      await nextSweepNow()
      const { length } = await octopod.actions('kept')
      return { done: length === 3, value: null, seen: length }
    })
  })
})

suite('status changes', () => {
  before(async () => {
    system = await startSystem({ env: { CHECK_INTERVAL: '3600' } })
    octopod = createApiClient(system.url)
  })
  after(() => system?.stop())

  test('are dropped beyond a limit while the notifications script hangs, and the log says so', async () => {
    await system.setBehavior('notifications', 'hang')
    await query(`insert into status_changes (deployment, old_status, new_status)
      select 'd' || n, 'Running', 'Archived' from generate_series(1, 25000) n`)
    await waitFor('the oldest are dropped', async () => {
      // Those that are being sent are not dropped.
      const { count = 0 } = await query(
        'select count(*)::int as count from deliveries where held_until is null',
      )
      const { undistributed } = await query('select count(*)::int as undistributed from status_changes')
      const seen = [count, undistributed]
      return { done: undistributed === 0 && count <= 10_000 && count > 9_000, value: null, seen }
    })
    const messages = system.runner.lines.filter((line) => line.includes('too many status changes'))
    assert.equal(messages.length, 1, messages.join('\n'))
  })
})
