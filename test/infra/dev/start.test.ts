/** `npm start` as a child process with fake programs: its output, the processes it leaves, its exit code. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import { openLog } from '../../../infra/dev/log-file.ts'
import { pollUntil } from '../../../lib/node/poll-until.ts'
import { processIdentity } from '../../../lib/node/process-identity.ts'
import {
  createInstallation,
  type Installation,
  recordedProcesses,
  removeInstallation,
  runStart,
} from './run-start.ts'

const ready = 'Octopod is ready'
const haveEnded = (pids: number[]) =>
  pollUntil(() => pids.every((pid) => processIdentity(pid) === null), { timeoutMs: 10_000 })
const pidsOf = (where: Installation) => recordedProcesses(where).map(({ pid }) => pid)

async function readServer(where: Installation): Promise<{ pid: number; databaseUrl: string }> {
  return (await fetch(`http://127.0.0.1:${where.port}/readyz`)).json() as Promise<{
    pid: number
    databaseUrl: string
  }>
}

test('npm start -- --help prints help and builds nothing', () => {
  const text = execFileSync('npm', ['start', '--silent', '--', '--help'], {
    cwd: join(import.meta.dirname, '../../..'),
    encoding: 'utf8',
  })
  assert.match(text, /^npm start\n\nStarts PostgreSQL, Redis, a server and a runner/)
  assert.doesNotMatch(text, /page/i)
})

test('npm start runs with embedded datastores, Ctrl-C leaves no process, and a second start uses the same data', async () => {
  const installation = await createInstallation({ embedded: true })
  const first = runStart(installation)
  await first.waitForOutput('Ctrl-C')
  assert.match(first.output(), new RegExp(`Octopod is ready: http://localhost:${installation.port}\n`))
  const pids = pidsOf(installation)
  assert.deepEqual(
    recordedProcesses(installation)
      .map(({ name }) => name)
      .sort(),
    ['PostgreSQL', 'Redis', 'runner', 'server'],
  )
  const { databaseUrl } = await readServer(installation)
  const environment = readFileSync(join(installation.dataDir, 'environment'), 'utf8')
  first.process.kill('SIGINT')
  assert.equal(await first.end, 0)
  assert.ok(await haveEnded(pids), 'all processes have ended')
  assert.deepEqual(recordedProcesses(installation), [])

  const second = runStart(installation)
  await second.waitForOutput(ready)
  assert.equal((await readServer(installation)).databaseUrl, databaseUrl, 'same port, same password')
  assert.equal(readFileSync(join(installation.dataDir, 'environment'), 'utf8'), environment)
  second.process.kill('SIGTERM')
  assert.equal(await second.end, 0)
  removeInstallation(installation)
})

test('The environment file for more servers and runners is complete and private', async () => {
  const installation = await createInstallation()
  const run = runStart(installation, { POWER_AUTHORIZATION_HEADER: "Bearer it's", NAMESPACE: 'ns' })
  await run.waitForOutput(ready)
  const file = join(installation.dataDir, 'environment')
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
  assert.equal(OCTOPOD_URL, `http://localhost:${installation.port}`)
  assert.equal(OCTOPOD_LOCAL_DATA, join(installation.dataDir, 'deployments'))
  run.process.kill('SIGINT')
  await run.end
  removeInstallation(installation)
})

test('A second npm start on the same folder prints one sentence and changes nothing', async () => {
  const installation = await createInstallation()
  const first = runStart(installation)
  await first.waitForOutput(ready)
  const second = runStart(installation)
  assert.equal(await second.end, 1)
  assert.match(
    second.output(),
    new RegExp(`^Octopod already runs on .* \\(process ${first.process.pid}\\): .*\\n$`),
  )
  assert.equal((await fetch(`http://127.0.0.1:${installation.port}/readyz`)).status, 200)
  first.process.kill('SIGINT')
  assert.equal(await first.end, 0)
  removeInstallation(installation)
})

const failures: {
  title: string
  prepare?: (where: Installation) => unknown
  extra?: Record<string, string>
  expected: RegExp
}[] = [
  {
    title: 'A PORT that is not a number',
    extra: { PORT: 'http' },
    expected: /^PORT is "http": it must be .*\.\n$/,
  },
  {
    title: 'A folder that cannot be created',
    extra: { OCTOPOD_HOME: '/dev/null/here' },
    expected: /^The folder \/dev\/null\/here \(OCTOPOD_HOME\) cannot be used: .*\.\n$/,
  },
  {
    title: 'A failed migration',
    extra: { MIGRATE_FAILS: '1' },
    expected:
      /^The migration ended with code 3 \(log: .*migrate\.log\)\.\n {2}migration 7 failed: no such table\n$/,
  },
  {
    title: 'A server that does not start',
    extra: { SERVER_FAILS: '1' },
    expected: /^The server ended with code 4 \(log: .*server\.log\)\.\n {2}the server cannot start\n$/,
  },
  {
    title: 'A server that refuses its settings in many lines',
    extra: { SERVER_REFUSES: '1' },
    expected:
      /^The server ended with code 1 \(log: .*server\.log\)\.\n {2}sentence 1\n( {2}.*\n)*? {2}sentence 7\n$/,
  },
  {
    title: 'A damaged data folder',
    prepare: ({ dataDir, environment }) => {
      delete environment.DATABASE_URL
      mkdirSync(join(dataDir, 'postgres/data'), { recursive: true })
      writeFileSync(join(dataDir, 'postgres/data/something'), '')
    },
    expected: /^\S+data is not a PostgreSQL data folder, or it is damaged .*\.\n$/,
  },
  {
    title: 'Data of another PostgreSQL version',
    prepare: ({ dataDir, environment }) => {
      delete environment.DATABASE_URL
      mkdirSync(join(dataDir, 'postgres/data'), { recursive: true })
      writeFileSync(join(dataDir, 'postgres/data/PG_VERSION'), '9.6\n')
    },
    expected: /^\S+data was created by PostgreSQL 9\.6, and this is PostgreSQL \d+: .*\.\n$/,
  },
]
// Writing to /dev/full fails like on a full disk.
if (existsSync('/dev/full'))
  failures.push({
    title: 'A full disk',
    prepare: ({ dataDir }) => {
      mkdirSync(dataDir)
      symlinkSync('/dev/full', join(dataDir, 'environment.new'))
    },
    expected:
      /^The disk is full \(ENOSPC: .*\): free some space and start again; accepted requests are not lost\.\n$/,
  })
for (const { title, prepare, extra, expected } of failures) {
  test(`${title} gives one sentence and exit code 1`, async () => {
    const installation = await createInstallation()
    prepare?.(installation)
    const run = runStart(installation, extra)
    assert.equal(await run.end, 1)
    assert.match(run.output(), expected)
    removeInstallation(installation)
  })
}

test('A port in use gives one sentence and exit code 1', async () => {
  const installation = await createInstallation()
  const blocker = createServer().listen(installation.port, '127.0.0.1')
  const run = runStart(installation)
  assert.equal(await run.end, 1)
  assert.match(
    run.output(),
    /^Port \d+ is in use by another program: choose another one, e\.g\. PORT=\d+ npm start\.\n$/,
  )
  blocker.close()
  removeInstallation(installation)
})

test('HOST sets the address of the page, for octo and in the environment file', async () => {
  const installation = await createInstallation()
  const run = runStart(installation, { HOST: '127.0.0.2' })
  await run.waitForOutput('Ctrl-C')
  const url = `http://127.0.0.2:${installation.port}`
  assert.ok(run.output().startsWith(`Octopod is ready: ${url}\n`))
  assert.equal((await fetch(`${url}/readyz`)).status, 200)
  assert.match(
    readFileSync(join(installation.dataDir, 'environment'), 'utf8'),
    new RegExp(`^OCTOPOD_URL='${url}'$`, 'm'),
  )
  run.process.kill('SIGINT')
  assert.equal(await run.end, 0)
  removeInstallation(installation)
})

test('Says who may do what: everyone on this machine, or as the settings of the user say', async () => {
  const access = async (extra: Record<string, string>) => {
    const installation = await createInstallation()
    const run = runStart(installation, extra)
    await run.waitForOutput('Ctrl-C')
    const environment = readFileSync(join(installation.dataDir, 'environment'), 'utf8')
    run.process.kill('SIGINT')
    await run.end
    removeInstallation(installation)
    const [, lines = ''] = /\n( {2}access [\s\S]*?)\n {2}data /.exec(run.output()) ?? []
    return { lines, environment }
  }
  const open = await access({})
  assert.match(
    open.lines,
    /^ {2}access {2}everyone .* has the role developer, without signing in\n.* role admin;/,
  )
  assert.match(open.environment, /^ANONYMOUS_ROLE='developer'$/m)
  assert.match(open.environment, /^STATUS_UPDATE_TIMEOUT='60'$/m)
  const signIn = await access({
    OIDC_ISSUER: 'https://login.example.com',
    OIDC_CLIENT_ID: 'octopod',
    OCTOPOD_POLICY: '/p.yaml',
  })
  assert.doesNotMatch(signIn.lines, /everyone/)
  assert.match(signIn.lines, /people sign in at https:\/\/login\.example\.com: roles as in \/p\.yaml\n/)
  assert.match(signIn.environment, /^OIDC_CLIENT_ID='octopod'$/m)
  assert.doesNotMatch(signIn.environment, /ANONYMOUS_ROLE/)
  const viewer = await access({
    ANONYMOUS_ROLE: 'viewer',
    APP_AUTHORIZATION_HEADER: 'Bearer u',
    STATUS_UPDATE_TIMEOUT: '90',
  })
  assert.doesNotMatch(viewer.environment, /STATUS_UPDATE_TIMEOUT/)
  assert.match(viewer.lines, /role viewer, without signing in\n.*APP_AUTHORIZATION_HEADER: role developer\n/)
  const outside = await access({ HOST: '0.0.0.0' })
  assert.doesNotMatch(outside.environment, /ANONYMOUS_ROLE/)
})

test('The printed command works in a shell, even if the folder name has a space and a quote', async () => {
  const installation = await createInstallation()
  installation.dataDir = join(installation.dataDir, "it's here")
  const run = runStart(installation, { OCTOPOD_HOME: installation.dataDir })
  await run.waitForOutput('Ctrl-C')
  const [line = ''] = /export .*/.exec(run.output()) ?? []
  const shown = execFileSync('sh', ['-c', `${line}; printf %s "$OCTO_AUTHORIZATION_HEADER"`], {
    encoding: 'utf8',
  })
  assert.equal(shown, readFileSync(join(installation.dataDir, 'authorization'), 'utf8').trim())
  run.process.kill('SIGINT')
  assert.equal(await run.end, 0)
  removeInstallation(installation)
})

test('A closed terminal stops everything in order', async () => {
  const installation = await createInstallation()
  const run = runStart(installation)
  await run.waitForOutput('Ctrl-C')
  const pids = pidsOf(installation)
  run.process.stdout?.destroy()
  run.process.stderr?.destroy()
  run.process.kill('SIGHUP')
  assert.equal(await run.end, 0)
  assert.ok(await haveEnded(pids))
  removeInstallation(installation)
})

test('A log that cannot be written loses lines and is reported once', {
  skip: !existsSync('/dev/full'),
}, () => {
  const messages: string[] = []
  const write = openLog('/dev/full', (line) => messages.push(line))
  write('one')
  write('two')
  assert.equal(messages.length, 1)
  assert.match(
    messages[0] ?? '',
    /^\/dev\/full cannot be written \(ENOSPC.*\): free some disk space; lines are lost until then\.$/,
  )
})

test('A server that dies is reported and restarted', async () => {
  const installation = await createInstallation()
  const run = runStart(installation)
  await run.waitForOutput(ready)
  const before = await readServer(installation)
  await fetch(`http://127.0.0.1:${installation.port}/die`).catch(() => {})
  await run.waitForOutput(/server ended with code 9/)
  const isNew = async () => (await readServer(installation).catch(() => before)).pid !== before.pid
  assert.ok(await pollUntil(isNew, { timeoutMs: 10_000 }), 'a new server answers')
  run.process.kill('SIGINT')
  assert.equal(await run.end, 0)
  removeInstallation(installation)
})

test('A killed npm start leaves no process, and the next start works', async () => {
  const installation = await createInstallation({ embedded: true })
  const killed = runStart(installation)
  await killed.waitForOutput(ready)
  const pids = pidsOf(installation)
  killed.process.kill('SIGKILL')
  await killed.end
  const next = runStart(installation)
  await next.waitForOutput(ready)
  assert.ok(await haveEnded(pids), 'no process of the killed start is left')
  next.process.kill('SIGINT')
  assert.equal(await next.end, 0)
  removeInstallation(installation)
})

test('A second Ctrl-C kills a process that ignores SIGTERM', async () => {
  const installation = await createInstallation()
  const run = runStart(installation, { IGNORES_TERM: '1' })
  await run.waitForOutput('Ctrl-C')
  const pids = pidsOf(installation)
  run.process.kill('SIGINT')
  await run.waitForOutput('Stopping')
  await pollUntil(
    () => readFileSync(join(installation.dataDir, 'logs/runner.log'), 'utf8').includes('term'),
    {
      timeoutMs: 5_000,
    },
  )
  // Under npm one key press arrives twice, so signals within half a second count as one. Press until the second counts.
  const pressing = setInterval(() => run.process.kill('SIGINT'), 100)
  assert.equal(await run.end, 130)
  clearInterval(pressing)
  assert.ok(await haveEnded(pids))
  removeInstallation(installation)
})

test('Ctrl-C during the start stops the processes that have started', async () => {
  const installation = await createInstallation({ embedded: true })
  const run = runStart(installation)
  const started = () => {
    try {
      return recordedProcesses(installation).length > 0
    } catch {
      return false
    }
  }
  assert.ok(await pollUntil(started, { timeoutMs: 10_000 }))
  const pids = pidsOf(installation)
  run.process.kill('SIGINT')
  assert.equal(await run.end, 0)
  assert.ok(await haveEnded(pids))
  assert.deepEqual(recordedProcesses(installation), [])
  removeInstallation(installation)
})
