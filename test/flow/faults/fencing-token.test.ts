/**
 * A script can reject an outdated runner by two numbers in its environment: the action id and the fencing token, which
 * only grow together.
 */
import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { type ApiClient, createApiClient, getActionId } from '../../helpers/api-client.ts'
import { type System, startSystem } from '../../helpers/system.ts'
import { waitFor } from '../../helpers/wait-for.ts'
import { withDatabase } from '../../helpers/with-database.ts'

let system: System
let octopod: ApiClient
let gate: string
before(async () => {
  system = await startSystem({
    runner: false,
    env: { LEASE: '2', KILL_GRACE: '0.3', CHECK_INTERVAL: '3600' },
  })
  octopod = createApiClient(system.url)
  gate = join(system.dir, 'gate')
})
after(() => system?.stop())

const existing = async (name: string) => {
  const runner = await system.startRunner()
  await octopod.create(name)
  await octopod.waitForStatus(name, 'Running')
  await runner.stop()
}

/** Action id and fencing token that the script printed. */
const printedTokens = (actionId: number) =>
  waitFor(`the script of action ${actionId} prints its fencing token`, async () => {
    const { text } = await octopod.api('GET', `/log/${actionId}`)
    const found = /action (\d+) fence (\d+)/.exec(text)
    return { done: found !== null, value: [Number(found?.[1]), Number(found?.[2])], seen: text }
  })

test('An action claimed again before its script started has a greater fencing token', async () => {
  await existing('claimed-twice')
  await writeFile(gate, '')
  await system.setBehavior('archive', `print-fence ${gate}`)
  await system.setBehavior('application_config', 'hang')
  const killedRunner = await system.startRunner()
  const actionId = getActionId(await octopod.archive('claimed-twice'))
  const readToken = async () => {
    const { rows } = await withDatabase(system.databaseUrl, (db) =>
      db.query('select fencing_token::int as token from actions where id = $1', [actionId]),
    )
    return rows[0]?.token
  }
  await waitFor('the action is claimed', async () => {
    const seen = await readToken()
    return { done: seen === 1, value: null, seen }
  })
  killedRunner.signal('SIGKILL')
  await system.setBehavior('application_config', '')
  const other = await system.startRunner()
  assert.equal((await octopod.waitForActionEnd(actionId)).state, 'succeeded')
  assert.deepEqual(await printedTokens(actionId), [actionId, 2])
  await other.stop()
})

test('A second attempt is a new action with a greater id and a fencing token that starts at 1', async () => {
  await existing('retried')
  const secondGate = `${gate}-retried`
  await system.setBehavior('archive', `print-fence ${secondGate}`)
  const killedRunner = await system.startRunner()
  const first = getActionId(await octopod.archive('retried'))
  assert.deepEqual(await printedTokens(first), [first, 1])
  killedRunner.signal('SIGKILL')
  await writeFile(secondGate, '')
  const other = await system.startRunner({ INTERRUPTED_ACTIONS: 'retry' })
  assert.equal((await octopod.waitForActionEnd(first)).state, 'interrupted')
  const second = (await octopod.actions('retried'))[0]?.action_id ?? 0
  assert.ok(second > first)
  assert.deepEqual(await printedTokens(second), [second, 1])
  await other.stop()
})
