/** PostgreSQL is stopped while servers and runners work, or when they start. */
import assert from 'node:assert/strict'
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { runMigrations } from '../../../db/run-migrations.ts'
import { type Datastore, ensureDatabase, startPostgres } from '../../../infra/dev/postgres/postgres.ts'
import { freePort } from '../../../lib/node/ports.ts'
import { type ApiClient, createApiClient, getActionId } from '../../helpers/api-client.ts'
import { type System, startSystem } from '../../helpers/system.ts'
import { waitFor } from '../../helpers/wait-for.ts'

let system: System
let octopod: ApiClient
let postgres: Datastore
let folder: string
let port: number
const start = () => startPostgres({ dataDir: join(folder, 'data'), port, log: () => {}, fast: true })

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'octopod-postgres-'))
  // When the tests run as root, PostgreSQL runs under another account that must reach the folder.
  await chmod(folder, 0o711)
  port = await freePort()
  postgres = await start()
  const url = await ensureDatabase(postgres.url, 'octopod')
  await runMigrations(url)
  system = await startSystem({ env: { DATABASE_URL: url } })
  octopod = createApiClient(system.url)
})
after(async () => {
  await system?.stop()
  await postgres?.stop()
  await rm(folder, { recursive: true, force: true })
})

test('Without PostgreSQL requests fail in time, nothing is partly accepted, and running scripts go on', async () => {
  const gate = join(system.dir, 'gate')
  const running = getActionId(await octopod.create('running', { 'behave.create': `wait ${gate}` }))
  await waitFor('the script runs', async () => {
    const { text } = await octopod.api('GET', `/log/${running}`)
    return { done: text.includes('waiting'), value: null }
  })
  await postgres.stop()

  for (const send of [
    () => octopod.create('never'),
    () => octopod.api('GET', '/deployments'),
    () => octopod.api('GET', '/ping'),
  ]) {
    const startedAt = Date.now()
    const reply = await send()
    assert.equal(reply.status, 503)
    assert.equal(reply.headers.get('retry-after'), '2')
    assert.match(reply.text, /database is not reachable/)
    assert.ok(Date.now() - startedAt < 5000, `refused after ${Date.now() - startedAt} ms`)
  }
  assert.equal((await octopod.call('GET', '/readyz')).status, 503)
  assert.equal((await octopod.call('GET', '/healthz')).status, 200)

  await writeFile(gate, '')
  postgres = await start()
  await waitFor('the server is ready again', async () => {
    const { status } = await octopod.call('GET', '/readyz')
    return { done: status === 200, value: null, seen: status }
  })
  assert.equal((await octopod.waitForActionEnd(running)).state, 'succeeded')
  assert.match((await octopod.api('GET', `/log/${running}`)).text, /create of running done/)
  assert.equal((await octopod.api('GET', '/deployments/never/full_info')).status, 404)
  assert.equal((await octopod.create('later')).status, 200)
  await octopod.waitForStatus('later', 'Running')
})

test('Programs started before PostgreSQL wait for it and say so', async () => {
  await postgres.stop()
  const starting = Promise.all([system.startRunner(), system.startServer()])
  // Longer than both need for their first attempt.
  await sleep(4000)
  postgres = await start()
  for (const { lines } of await starting) {
    const waitingLine = lines.findIndex((line) => line.includes('waiting for PostgreSQL'))
    assert.ok(
      waitingLine >= 0 && waitingLine < lines.findIndex((line) => / ready"/.test(line)),
      lines.join('\n'),
    )
  }
})
