/** The embedded PostgreSQL and Redis: real ones, in temporary folders. */
import assert from 'node:assert/strict'
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { Redis } from 'ioredis'
import pg from 'pg'
import { type Datastore, ensureDatabase, startPostgres } from '../../../infra/dev/postgres/postgres.ts'
import { startRedis } from '../../../infra/dev/redis/redis.ts'
import { freePort } from '../../../lib/node/ports.ts'
import type { RunningProgram } from '../../../lib/node/spawn-program.ts'

const folder = mkdtempSync(join(tmpdir(), 'octopod-datastores-'))
const log = () => {}
const spawned: RunningProgram[] = []
const onSpawn = (child: RunningProgram) => spawned.push(child)
after(async () => {
  for (const child of spawned) child.kill()
  await Promise.all(spawned.map((child) => child.exited))
  rmSync(folder, { recursive: true, force: true })
})

async function query(url: string, statement: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: url })
  client.on('error', () => {})
  await client.connect()
  try {
    return (await client.query(statement)).rows
  } finally {
    await client.end()
  }
}

// mkdtemp creates folders with mode 0700, so as root this also tests a clone below a closed folder.
test('PostgreSQL keeps its data after a stop, and after a kill that left a zombie or an unrelated process with its id', async () => {
  const dataDir = join(folder, 'postgres')
  const start = async () => startPostgres({ dataDir, port: await freePort(), log, onSpawn, fast: true })
  let datastore: Datastore = await start()
  const url = await ensureDatabase(datastore.url, 'octopod')
  assert.equal(await ensureDatabase(datastore.url, 'octopod'), url, 'a second call changes nothing')
  await query(url, 'create table kept as select 42 as answer')
  await datastore.stop()

  datastore = await start()
  assert.deepEqual(await query(await ensureDatabase(datastore.url, 'octopod'), 'select * from kept'), [
    { answer: 42 },
  ])
  process.kill(datastore.program.pid, 'SIGKILL')
  await datastore.program.exited
  const pidFile = join(dataDir, 'data/postmaster.pid')
  const [, ...lines] = readFileSync(pidFile, 'utf8').split('\n')
  writeFileSync(pidFile, [process.pid, ...lines].join('\n'))

  datastore = await start()
  assert.deepEqual(await query(await ensureDatabase(datastore.url, 'octopod'), 'select * from kept'), [
    { answer: 42 },
  ])
  await assert.rejects(start(), { name: 'UserError', message: /Another PostgreSQL \(process \d+\) runs on/ })
  assert.equal(statSync(join(dataDir, 'password')).mode & 0o777, 0o600)
  await datastore.stop()
})

test('PostgreSQL and Redis report a port in use with one sentence', async () => {
  chmodSync(folder, 0o711)
  const blocker = createServer()
  const port = await freePort()
  await new Promise<void>((listening) => blocker.listen(port, '127.0.0.1', listening))
  const options = { port, log, onSpawn, fast: true }
  await assert.rejects(startPostgres({ dataDir: join(folder, 'taken-postgres'), ...options }), {
    name: 'UserError',
    message: /^PostgreSQL did not start on \S+: .+$/,
  })
  await assert.rejects(startRedis({ dataDir: join(folder, 'taken-redis'), ...options }), {
    name: 'UserError',
    message: /^Redis did not start on \S+: .+$/,
  })
  blocker.close()
})

test('Redis keeps its data after a stop and after a kill, and requires its password', async () => {
  const dataDir = join(folder, 'redis')
  const start = async () => startRedis({ dataDir, port: await freePort(), log, onSpawn })
  for (const end of ['stop', 'kill'] as const) {
    const datastore = await start()
    const redis = new Redis(datastore.url, { lazyConnect: true, retryStrategy: () => null })
    redis.on('error', () => {})
    await redis.connect()
    await redis.config('SET', 'appendfsync', 'always')
    await redis.set(end, 'kept')
    assert.deepEqual(await redis.config('GET', 'maxmemory-policy'), ['maxmemory-policy', 'noeviction'])
    redis.disconnect()
    if (end === 'kill') datastore.program.kill()
    await datastore.stop()
  }
  const datastore = await start()
  const redis = new Redis(datastore.url)
  assert.deepEqual(await redis.mget('stop', 'kill'), ['kept', 'kept'])
  redis.disconnect()
  const stranger = new Redis(datastore.url.replace(/:[^:@]+@/, ':wrong@'), {
    retryStrategy: () => null,
    lazyConnect: true,
  })
  stranger.on('error', () => {})
  await assert.rejects(stranger.ping())
  stranger.disconnect()
  await datastore.stop()
})
