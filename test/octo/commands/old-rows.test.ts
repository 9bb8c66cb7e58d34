/** Rows that older programs left in the database do not stop octo: each command shows what it can read. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { createApiClient } from '../../helpers/api-client.ts'
import { type System, startSystem } from '../../helpers/system.ts'
import { withDatabase } from '../../helpers/with-database.ts'
import { runOcto } from '../fake-server.ts'

let system: System
before(async () => {
  system = await startSystem()
})
after(() => system.stop())

const malformed = JSON.stringify([
  ['kept', { tag: 'ValueAdded', contents: 'v1' }],
  ['null-value', { tag: 'ValueAdded', contents: null }],
  ['removed', { tag: 'ValueDeleted', contents: null }],
  [null, { tag: 'ValueAdded', contents: 'no key' }],
  ['no value'],
  null,
])
const links = JSON.stringify([
  { name: 'app', link: 'https://old.example.com' },
  { name: 'none', link: null },
  null,
])

test('Null contents in old rows do not break list, info, status, diff, actions, watch and update', async () => {
  const client = createApiClient(system.url)
  await client.create('old')
  await client.waitForStatus('old', 'Running')
  await client.create('empty')
  await client.waitForStatus('empty', 'Running')
  await withDatabase(system.databaseUrl, async (database) => {
    const update = (table: string, where: string) =>
      database.query(`update ${table} set app_overrides = $1, deployment_overrides = $1 where ${where}`, [
        malformed,
      ])
    await update('deployments', "name = 'old'")
    // A trigger refuses changes of actions that have ended.
    await database.query('set session_replication_role = replica')
    await update('actions', "deployment_id = (select id from deployments where name = 'old')")
    await database.query('set session_replication_role = origin')
    await database.query("update deployments set links = $1, revision = default where name = 'old'", [links])
    await database.query(
      "update deployments set app_overrides = 'null', deployment_overrides = '{}', links = 'null', revision = default where name = 'empty'",
    )
  })
  const environment = { OCTOPOD_URL: system.url, OCTO_AUTHORIZATION_HEADER: system.adminHeader }
  const octo = async (...args: string[]) => {
    const result = await runOcto(environment, ...args)
    assert.deepEqual([result.code, result.stderr], [0, ''], args.join(' '))
    return result.stdout
  }
  assert.equal(await octo('list'), 'empty\nold\n')
  const list = JSON.parse(await octo('list', '-o', 'json'))
  assert.deepEqual(list[1].deployment.app_overrides, [
    ['kept', { tag: 'ValueAdded', contents: 'v1' }],
    ['removed', { tag: 'ValueDeleted' }],
  ])
  assert.deepEqual(list[1].metadata, [{ name: 'app', link: 'https://old.example.com' }])
  assert.deepEqual([list[0].deployment.app_overrides, list[0].metadata], [[], []])
  assert.match(await octo('list', '-o', 'table'), /old +Running/)
  for (const name of ['old', 'empty'])
    for (const command of ['info', 'status', 'diff', 'actions', 'config']) await octo(command, '-n', name)
  assert.match(await octo('info', '-n', 'old'), /kept │ v1/)
  assert.equal(await octo('open', '-n', 'old', '--print'), 'https://old.example.com\n')
  const [{ action_id: id } = { action_id: 0 }] = await client.actions('old')
  await octo('diff', '-a', String(id), '-a', String(id))
  assert.match(await octo('watch', '--timeout', '1s'), /^old {2}Running/m)
  assert.match(
    await octo('update', '-n', 'old', '-e', 'image.tag=v2', '--wait', '-q', '-o', 'table'),
    /succeeded/,
  )
})
