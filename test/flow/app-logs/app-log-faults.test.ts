/** App logs when a runner, a server or Redis is lost, and without the script. */
import assert from 'node:assert/strict'
import { appendFile, mkdtemp, readdir, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { type ApiClient, createApiClient } from '../../helpers/api-client.ts'
import { type DedicatedRedis, startDedicatedRedis } from '../../helpers/dedicated-redis.ts'
import { type Program, type System, startSystem } from '../../helpers/system.ts'
import { openAppLogs, readEnd, readLine, waitForNoScript } from './app-log-reader.ts'

let system: System
let octopod: ApiClient
let redis: DedicatedRedis
let runner: Program
before(async () => {
  redis = await startDedicatedRedis()
  system = await startSystem({ env: { REDIS_URL: redis.url, LEASE: '5' } })
  octopod = createApiClient(system.url)
})
after(async () => {
  await system?.stop()
  await redis?.remove()
})

const startsOf = async (name: string) =>
  (await system.scriptCalls('app_logs')).filter((call) => call.includes(name)).length

test('A killed server leaves no run behind', async () => {
  const server = await system.startServer()
  await octopod.create('orphaned', { 'behave.app_logs': `lines ${join(system.dir, 'orphaned')}` })
  const stream = await openAppLogs(server.url, 'orphaned')
  await readLine(stream)
  server.signal('SIGKILL')
  await waitForNoScript('orphaned')
})

test('Of a killed runner the script ends, readers are told, and another runner goes on', async () => {
  const file = join(system.dir, 'killed')
  await octopod.create('killed', { 'behave.app_logs': `lines ${file}` })
  await octopod.waitForStatus('killed', 'Running')
  const stream = await openAppLogs(system.url, 'killed')
  await readLine(stream)
  system.runner.signal('SIGKILL')
  await waitForNoScript('killed')
  assert.equal((await readEnd(stream)).reason, 'runner_lost')
  runner = await system.startRunner()
  const next = await openAppLogs(system.url, 'killed')
  assert.match(await readLine(next), /^arguments/)
  await appendFile(file, 'again\n')
  assert.equal(await readLine(next), 'again')
  assert.equal(await startsOf('killed'), 2)
  next.cancel()
  await waitForNoScript('killed')
})

test('A runner that is stopped ends its runs at once, also of a script that ignores SIGTERM', async () => {
  await octopod.create('stopped', { 'behave.app_logs': 'ignore-term' })
  const stream = await openAppLogs(system.url, 'stopped')
  await readLine(stream)
  await runner.stop()
  assert.equal((await readEnd(stream)).reason, 'runner_stopped')
  await waitForNoScript('stopped')
  await system.startRunner()
})

test('Without Redis the answer is 503, and a stream that is open says so', async () => {
  await octopod.create('without', { 'behave.app_logs': `lines ${join(system.dir, 'without')}` })
  const stream = await openAppLogs(system.url, 'without')
  await readLine(stream)
  await redis.stop()
  assert.equal((await readEnd(stream)).reason, 'redis_unreachable')
  const refused = await octopod.api('GET', '/deployments/without/app_logs')
  assert.equal(refused.status, 503)
  assert.match(refused.text, /Redis is not reachable/)
  await waitForNoScript('without')
  await redis.start()
})

test('Without a runner the answer is 504, and without the script it says how to add one', async () => {
  const scripts = await mkdtemp(join(tmpdir(), 'octopod-scripts-'))
  const source = fileURLToPath(new URL('../../scripts/configurable', import.meta.url))
  for (const name of await readdir(source))
    if (name !== 'app_logs') await symlink(join(source, name), join(scripts, name))
  const other = await startSystem({ runner: false })
  try {
    const client = createApiClient(other.url)
    const runner = await other.startRunner({ CONTROL_SCRIPTS_DIR: scripts })
    await client.create('bare')
    const refused = await client.api('GET', '/deployments/bare/app_logs')
    assert.equal(refused.status, 404)
    assert.match(refused.text, /add an executable app_logs.*no_app_logs/)
    const { body } = await client.api('GET', '/whoami')
    assert.equal((body as { has_app_logs: boolean }).has_app_logs, false)
    await runner.stop()
    assert.equal((await client.api('GET', '/deployments/bare/app_logs')).status, 504)
  } finally {
    await other.stop()
    await rm(scripts, { recursive: true, force: true })
  }
})
