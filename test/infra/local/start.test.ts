/** npm start from the outside, with stand-ins for the programs: what it says, what it leaves, how it ends. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import { processIdentity } from '../../../infra/local/identity.ts'
import { openLog } from '../../../infra/local/log-file.ts'
import { waitUntil } from '../../../infra/local/wait.ts'
import { leave, type Place, place, processes, runStart } from './run-start.ts'

const ready = 'Octopod is ready'
const gone = (pids: number[]) =>
  waitUntil(() => pids.every((pid) => processIdentity(pid) === null), { timeoutMs: 10_000 })
const pidsOf = (where: Place) => processes(where).map(({ pid }) => pid)

async function answer(where: Place): Promise<{ pid: number; databaseUrl: string }> {
  return (await fetch(`http://127.0.0.1:${where.port}/readyz`)).json() as Promise<{
    pid: number
    databaseUrl: string
  }>
}

test('from nothing to ready with its own engines, and Ctrl-C leaves no process; a second start goes on', async () => {
  const where = await place({ embedded: true })
  const first = runStart(where)
  await first.until('Ctrl-C')
  assert.match(first.said(), new RegExp(`Octopod is ready: http://localhost:${where.port}\n`))
  const pids = pidsOf(where)
  assert.deepEqual(
    processes(where)
      .map(({ name }) => name)
      .sort(),
    ['PostgreSQL', 'Redis', 'runner', 'server'],
  )
  const { databaseUrl } = await answer(where)
  const environment = readFileSync(join(where.home, 'environment'), 'utf8')
  first.process.kill('SIGINT')
  assert.equal(await first.end, 0)
  assert.ok(await gone(pids), 'all processes have ended')
  assert.deepEqual(processes(where), [])

  const second = runStart(where)
  await second.until(ready)
  assert.equal((await answer(where)).databaseUrl, databaseUrl, 'same port, same password')
  assert.equal(readFileSync(join(where.home, 'environment'), 'utf8'), environment)
  second.process.kill('SIGTERM')
  assert.equal(await second.end, 0)
  leave(where)
})

test('the environment for servers and runners beside it is complete and private', async () => {
  const where = await place()
  const run = runStart(where, { POWER_AUTHORIZATION_HEADER: "Bearer it's", NAMESPACE: 'ns' })
  await run.until(ready)
  const file = join(where.home, 'environment')
  assert.equal(statSync(file).mode & 0o777, 0o600)
  const saved = { ...process.env }
  for (const name of ['DATABASE_URL', 'NAMESPACE', 'POWER_AUTHORIZATION_HEADER', 'OCTOPOD_URL'])
    delete process.env[name]
  process.loadEnvFile(file)
  const { DATABASE_URL, NAMESPACE, POWER_AUTHORIZATION_HEADER, OCTOPOD_URL, OCTOPOD_LOCAL_DATA } = process.env
  process.env = saved
  assert.equal(DATABASE_URL, process.env.TEST_DATABASE_URL)
  assert.equal(NAMESPACE, 'ns')
  assert.equal(POWER_AUTHORIZATION_HEADER, "Bearer it's")
  assert.equal(OCTOPOD_URL, `http://localhost:${where.port}`)
  assert.equal(OCTOPOD_LOCAL_DATA, join(where.home, 'deployments'))
  run.process.kill('SIGINT')
  await run.end
  leave(where)
})

test('while one runs, another on the same folder is one sentence and harms nothing', async () => {
  const where = await place()
  const one = runStart(where)
  await one.until(ready)
  const other = runStart(where)
  assert.equal(await other.end, 1)
  assert.match(
    other.said(),
    new RegExp(`^Octopod runs already on .* \\(process ${one.process.pid}\\): .*\\n$`),
  )
  assert.equal((await fetch(`http://127.0.0.1:${where.port}/readyz`)).status, 200)
  one.process.kill('SIGINT')
  assert.equal(await one.end, 0)
  leave(where)
})

const sentences: {
  title: string
  prepare?: (where: Place) => unknown
  extra?: Record<string, string>
  says: RegExp
}[] = [
  { title: 'a PORT that is no number', extra: { PORT: 'http' }, says: /^PORT is "http": it must be .*\.\n$/ },
  {
    title: 'a folder that cannot be made',
    extra: { OCTOPOD_HOME: '/dev/null/here' },
    says: /^The folder \/dev\/null\/here \(OCTOPOD_HOME\) cannot be used: .*\.\n$/,
  },
  {
    title: 'a migration that fails',
    extra: { MIGRATE_FAILS: '1' },
    says: /^The migration ended with code 3 \(log: .*migrate\.log\)\.\n {2}migration 7 failed: no such table\n$/,
  },
  {
    title: 'a server that does not start',
    extra: { SERVER_FAILS: '1' },
    says: /^The server ended with code 4 \(log: .*server\.log\)\.\n {2}the server cannot start\n$/,
  },
  {
    title: 'a broken data folder',
    prepare: ({ home, environment }) => {
      delete environment.DATABASE_URL
      mkdirSync(join(home, 'postgres/data'), { recursive: true })
      writeFileSync(join(home, 'postgres/data/something'), '')
    },
    says: /^\S+data is not a PostgreSQL data folder, or a broken one .*\.\n$/,
  },
  {
    title: 'data of another PostgreSQL version',
    prepare: ({ home, environment }) => {
      delete environment.DATABASE_URL
      mkdirSync(join(home, 'postgres/data'), { recursive: true })
      writeFileSync(join(home, 'postgres/data/PG_VERSION'), '9.6\n')
    },
    says: /^\S+data was made by PostgreSQL 9\.6, and this is PostgreSQL \d+: .*\.\n$/,
  },
]
// A file on it takes nothing, as on a disk that is full.
if (existsSync('/dev/full'))
  sentences.push({
    title: 'a full disk',
    prepare: ({ home }) => {
      mkdirSync(home)
      symlinkSync('/dev/full', join(home, 'environment.new'))
    },
    says: /^The disk is full \(ENOSPC: .*\): make room and start again; what was accepted is kept\.\n$/,
  })
for (const { title, prepare, extra, says } of sentences) {
  test(`${title} is one clear sentence and exit 1`, async () => {
    const where = await place()
    prepare?.(where)
    const run = runStart(where, extra)
    assert.equal(await run.end, 1)
    assert.match(run.said(), says)
    leave(where)
  })
}

test('a port in use is one clear sentence and exit 1', async () => {
  const where = await place()
  const other = createServer().listen(where.port, '127.0.0.1')
  const run = runStart(where)
  assert.equal(await run.end, 1)
  assert.match(
    run.said(),
    /^Port \d+ is in use by another program: choose another one, e\.g\. PORT=\d+ npm start\.\n$/,
  )
  other.close()
  leave(where)
})

test('with HOST the page is where it says, and so are octo and the environment', async () => {
  const where = await place()
  const run = runStart(where, { HOST: '127.0.0.2' })
  await run.until('Ctrl-C')
  const url = `http://127.0.0.2:${where.port}`
  assert.ok(run.said().startsWith(`Octopod is ready: ${url}\n`))
  assert.equal((await fetch(`${url}/readyz`)).status, 200)
  assert.match(
    readFileSync(join(where.home, 'environment'), 'utf8'),
    new RegExp(`^OCTOPOD_URL='${url}'$`, 'm'),
  )
  run.process.kill('SIGINT')
  assert.equal(await run.end, 0)
  leave(where)
})

test('what it says can be pasted into a shell, also where the folder has a space and a quote in its name', async () => {
  const where = await place()
  where.home = join(where.home, "it's here")
  const run = runStart(where, { OCTOPOD_HOME: where.home })
  await run.until('Ctrl-C')
  const [line = ''] = /export .*/.exec(run.said()) ?? []
  const shown = execFileSync('sh', ['-c', `${line}; printf %s "$OCTO_AUTHORIZATION_HEADER"`], {
    encoding: 'utf8',
  })
  assert.equal(shown, readFileSync(join(where.home, 'authorization'), 'utf8').trim())
  run.process.kill('SIGINT')
  assert.equal(await run.end, 0)
  leave(where)
})

test('a terminal that is closed is no reason to fall over: everything is stopped in order', async () => {
  const where = await place()
  const run = runStart(where)
  await run.until('Ctrl-C')
  const pids = pidsOf(where)
  run.process.stdout?.destroy()
  run.process.stderr?.destroy()
  run.process.kill('SIGHUP')
  assert.equal(await run.end, 0)
  assert.ok(await gone(pids))
  leave(where)
})

test('a log that cannot be written costs lines, and is told of once', {
  skip: !existsSync('/dev/full'),
}, () => {
  const said: string[] = []
  const write = openLog('/dev/full', (line) => said.push(line))
  write('one')
  write('two')
  assert.equal(said.length, 1)
  assert.match(
    said[0] ?? '',
    /^\/dev\/full cannot be written \(ENOSPC.*\): make room; its lines are lost until then\.$/,
  )
})

test('a server that dies is told and started again', async () => {
  const where = await place()
  const run = runStart(where)
  await run.until(ready)
  const before = await answer(where)
  await fetch(`http://127.0.0.1:${where.port}/die`).catch(() => {})
  await run.until(/server ended with code 9/)
  const isNew = async () => (await answer(where).catch(() => before)).pid !== before.pid
  assert.ok(await waitUntil(isNew, { timeoutMs: 10_000 }), 'another server answers')
  run.process.kill('SIGINT')
  assert.equal(await run.end, 0)
  leave(where)
})

test('killed without warning it leaves no process, and the next start works', async () => {
  const where = await place({ embedded: true })
  const killed = runStart(where)
  await killed.until(ready)
  const pids = pidsOf(where)
  killed.process.kill('SIGKILL')
  await killed.end
  const next = runStart(where)
  await next.until(ready)
  assert.ok(await gone(pids), 'nobody of the killed start is left')
  next.process.kill('SIGINT')
  assert.equal(await next.end, 0)
  leave(where)
})

test('a second Ctrl-C ends at once what does not want to end', async () => {
  const where = await place()
  const run = runStart(where, { IGNORES_TERM: '1' })
  await run.until('Ctrl-C')
  const pids = pidsOf(where)
  run.process.kill('SIGINT')
  await run.until('Stopping')
  await waitUntil(() => readFileSync(join(where.home, 'logs/runner.log'), 'utf8').includes('term'), {
    timeoutMs: 5_000,
  })
  // One key press under npm arrives twice, so signals count as one for half a second: press until it is the second.
  const pressing = setInterval(() => run.process.kill('SIGINT'), 100)
  assert.equal(await run.end, 130)
  clearInterval(pressing)
  assert.ok(await gone(pids))
  leave(where)
})

test('Ctrl-C in the middle of the start stops what has come up', async () => {
  const where = await place({ embedded: true })
  const run = runStart(where)
  const started = () => {
    try {
      return processes(where).length > 0
    } catch {
      return false
    }
  }
  assert.ok(await waitUntil(started, { timeoutMs: 10_000 }))
  const pids = pidsOf(where)
  run.process.kill('SIGINT')
  assert.equal(await run.end, 0)
  assert.ok(await gone(pids))
  assert.deepEqual(processes(where), [])
  leave(where)
})
