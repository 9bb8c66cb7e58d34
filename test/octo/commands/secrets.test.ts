/** octo of somebody who may not see secrets, against a real server: nothing prints them, and updates keep them. */
import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { overridesToWire } from '../../../domain/overrides.ts'
import { type ApiClient, createApiClient, getActionId, overrides } from '../../helpers/api-client.ts'
import { adminHeader, type System, startSystem } from '../../helpers/system.ts'
import { withDatabase } from '../../helpers/with-database.ts'
import { runOcto } from '../fake-server.ts'

const secret = 'TOPSECRET-4711'
let system: System
let admin: ApiClient

before(async () => {
  system = await startSystem()
  admin = createApiClient(system.url)
  for (const name of ['one', 'two']) {
    await admin.api('POST', '/deployments', {
      name,
      ...overridesToWire({
        application: overrides({ 'db.password': `${secret}-${name}`, 'image.tag': 'v1' }),
        deployment: [],
      }),
    })
    await admin.waitForStatus(name, 'Running')
  }
})
after(() => system?.stop())

const octo = async (...args: string[]) => {
  const result = await runOcto({ OCTOPOD_URL: system.url }, ...args)
  assert.doesNotMatch(result.stdout + result.stderr, /TOPSECRET/, args.join(' '))
  return result
}
const lastAction = async (name: string) => (await admin.fullInfo(name)).last_action?.action_id ?? 0
const stored = async (name: string) => (await admin.fullInfo(name)).deployment.app_overrides

test('config and info show that a value is secret', async () => {
  assert.match((await octo('config', '-n', 'one')).stdout, /^ {2}db\.password=\*\*\* \(secret\)$/m)
  assert.match((await octo('config', '-n', 'one', '-o', 'table')).stdout, /db\.password +\*\*\* \(secret\)/)
  assert.match((await octo('info', '-n', 'one')).stdout, /db\.password │ \*\*\* \(secret\)/)
  assert.match((await octo('info', '-n', 'one', '-o', 'json')).stdout, /"\*\*\*\.[\w-]+"/)
  await octo('actions', '-n', 'one', '-o', 'json')
})

test('update keeps the secrets that it does not name, also with the admin header', async () => {
  assert.equal((await octo('update', '-n', 'one', '-e', 'image.tag=v2', '--wait')).code, 0)
  assert.deepEqual(await stored('one'), overrides({ 'db.password': `${secret}-one`, 'image.tag': 'v2' }))
  const environment = { OCTOPOD_URL: system.url, OCTO_AUTHORIZATION_HEADER: adminHeader }
  const byAdmin = await runOcto(environment, 'update', '-n', 'one', '-e', 'image.tag=v3', '--wait')
  assert.equal(byAdmin.code, 0, byAdmin.stderr)
  assert.deepEqual(await stored('one'), overrides({ 'db.password': `${secret}-one`, 'image.tag': 'v3' }))
})

test('An exported config can be sent back to its deployment, and is refused by another one', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'octopod-export-'))
  t.after(() => rm(folder, { recursive: true }))
  const file = join(folder, 'one.yaml')
  await writeFile(file, (await octo('config', '-n', 'one', '-o', 'yaml')).stdout)
  const sent = await octo('update', '-n', 'one', '-f', file, '--wait')
  assert.equal(sent.code, 0, sent.stderr)
  assert.deepEqual(new Map(await stored('one')).get('db.password'), {
    tag: 'ValueAdded',
    contents: `${secret}-one`,
  })
  for (const args of [
    ['update', '-n', 'two'],
    ['create', '-n', 'three'],
  ]) {
    const refused = await octo(...args, '-f', file)
    assert.equal(refused.code, 5, refused.stderr)
    assert.match(refused.stderr, /db\.password: the value is a reference to a secret/)
  }
})

test('diff says that a secret has changed, and does not compare those of two deployments', async () => {
  const before = await lastAction('two')
  await admin.update('two', { 'db.password': `${secret}-new`, 'image.tag': 'v1' })
  await admin.waitForStatus('two', 'Running')
  const changed = await octo(
    'diff',
    '-a',
    String(before),
    '-a',
    String(await lastAction('two')),
    '--exit-code',
  )
  assert.equal(changed.stdout, '- app db.password=*** (secret)\n+ app db.password=*** (secret, changed)\n')
  assert.equal(changed.code, 1)
  const others = await octo('diff', '-n', 'one', '-n', 'two')
  assert.doesNotMatch(others.stdout, /db\.password/)
  assert.match(others.stderr, /Secret in both, not compared: db\.password\./)
})

test('rollback starts nothing only when the server says that the secrets are the same', async () => {
  await admin.update('two', { 'db.password': `${secret}-new`, 'image.tag': 'v1' })
  await admin.waitForStatus('two', 'Running')
  const last = await lastAction('two')
  const same = await octo('rollback', 'two', '--to', String(last))
  assert.equal(same.code, 0, same.stderr)
  assert.match(same.stderr, /no difference to the config of now; nothing was started\./)
  assert.equal(await lastAction('two'), last)
  const created = (await admin.actions('two')).at(-1)?.action_id
  const other = await octo('rollback', 'two', '--to', String(created), '--dry-run')
  assert.equal(other.stdout, '- app db.password=*** (secret)\n+ app db.password=*** (secret, changed)\n')
})

test('retry refuses to start an update whose secret was not kept', async () => {
  await system.setBehavior('update', 'exit 1')
  const sent = await admin.update('two', { 'db.password': `${secret}-lost` })
  await admin.waitForActionEnd(getActionId(sent))
  await system.setBehavior('update', '')
  // As after an action that ends before its script starts.
  await withDatabase(system.databaseUrl, (client) =>
    client.query(`update deployments set app_overrides = $1 where name = 'two'`, [
      JSON.stringify(overrides({ 'db.password': `${secret}-new` })),
    ]),
  )
  const refused = await octo('retry', '-n', 'two')
  assert.equal(refused.code, 5)
  assert.match(refused.stderr, /other values of secret keys than two has now: db\.password/)
})
