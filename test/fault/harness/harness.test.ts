/** The fault harness starts only on free ports, and a fault happens at the intended statement. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import pg from 'pg'
import { createDatabase } from '../../helpers/datastores.ts'
import { assertPortFree } from './datastores.ts'
import type { ServerResponse } from './postgres/postgres-protocol.ts'
import { type StatementAction, startPostgresProxy } from './postgres/postgres-proxy.ts'
import { observeProcesses } from './process-observer.ts'
import { createRandom } from './random.ts'

test('A port in use is rejected, a free port is accepted', async () => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  await assert.rejects(assertPortFree(port), /is in use/)
  server.close()
  await once(server, 'close')
  await assertPortFree(port)
})

test('The same seed gives the same numbers, another seed gives others', () => {
  const numbers = (seed: number) => Array.from({ length: 20 }, (_, at) => createRandom(seed + at).below(1000))
  assert.deepEqual(numbers(7), numbers(7))
  assert.notDeepEqual(numbers(7), numbers(700))
})

test('A process that starts and ends while the main thread is blocked is seen', async (t) => {
  const dir = await mkdtemp(join(tmpdir(), 'octopod-observer-'))
  await writeFile(join(dir, 'history'), '')
  const observer = observeProcesses(dir)
  t.after(async () => {
    // It reads the folder until it is stopped.
    await observer.stop()
    await rm(dir, { recursive: true, force: true })
  })
  await observer.observations()
  const env = { PATH: process.env.PATH, OCTOPOD_FAULT_DIR: dir, OCTOPOD_ACTION_ID: '7', OCTOPOD_FENCE: '2' }
  const { pid } = spawnSync('sleep', ['2'], { env })
  const { sightings } = await observer.observations()
  assert.deepEqual(
    sightings.map(({ atMs, ...one }) => one),
    [{ action: 7, fencingToken: 2, pid }],
  )
})

test('onResponse receives the response of PostgreSQL, and so does the client', async (t) => {
  const database = await createDatabase()
  t.after(() => database.drop())
  const responses: ServerResponse[] = []
  const both = Promise.withResolvers<void>()
  const onResponse = (response: ServerResponse) => {
    if (responses.push(response) === 2) both.resolve()
  }
  const proxy = await startPostgresProxy(database.url, () => ({ onResponse }))
  t.after(() => proxy.close())
  const client = new pg.Client({ connectionString: proxy.url })
  await client.connect()
  const { rows } = await client.query(`select 'ä' as word, 2 as number union all select null, 3 order by 2`)
  assert.equal(rows.length, 2)
  await assert.rejects(client.query('select 1 / $1::int', [0]))
  await both.promise
  await client.end()
  assert.deepEqual(responses, [
    { errorCode: null, values: ['ä', null] },
    { errorCode: '22012', values: [] },
  ])
})

test('onResponse receives the response although the client leaves while PostgreSQL executes', async (t) => {
  const database = await createDatabase()
  t.after(() => database.drop())
  const [reached, response] = [Promise.withResolvers<void>(), Promise.withResolvers<ServerResponse>()]
  const proxy = await startPostgresProxy(database.url, () => {
    reached.resolve()
    return { onResponse: response.resolve }
  })
  t.after(() => proxy.close())
  const client = new pg.Client({ connectionString: proxy.url })
  client.on('error', () => {})
  await client.connect()
  client.query('select 5 from pg_sleep(0.5)').catch(() => {})
  await reached.promise
  client.connection.stream.destroy()
  assert.deepEqual(await response.promise, { errorCode: null, values: ['5'] })
})

for (const [action, rows] of [
  ['reset-before', 0],
  ['reset-after', 1],
  ['drop-response', 1],
] as const)
  test(`${action}: PostgreSQL ${rows === 1 ? 'executes' : 'does not receive'} the statement, and the client gets no response`, async (t) => {
    const database = await createDatabase()
    t.after(() => database.drop())
    const done = Promise.withResolvers<void>()
    const seen: string[][] = []
    const proxy = await startPostgresProxy(
      database.url,
      ({ sql, values, earlierInTransaction }): StatementAction => {
        if (!sql.startsWith('insert')) return 'pass'
        seen.push([...values, earlierInTransaction.trim()])
        return action === 'drop-response' ? { dropResponse: done.resolve } : action
      },
    )
    t.after(() => proxy.close())
    const client = new pg.Client({ connectionString: proxy.url })
    client.on('error', () => {})
    await client.connect()
    await client.query('start transaction')
    await client.query('rollback')
    const outcome = client
      .query({
        name: 'kept',
        text: 'insert into idempotency_keys (key, fingerprint) values ($1, $2)',
        values: ['a', 'ä'],
      })
      .then(
        () => 'answered',
        () => 'reset',
      )
    assert.equal(
      await Promise.race([outcome, done.promise.then(() => 'no response')]),
      action === 'drop-response' ? 'no response' : 'reset',
    )
    assert.deepEqual(seen, [['a', 'ä', 'start transaction;\nrollback;']])
    const plain = new pg.Client({ connectionString: database.url })
    await plain.connect()
    assert.equal((await plain.query('select count(*)::int from idempotency_keys')).rows[0].count, rows)
    await plain.end()
  })
