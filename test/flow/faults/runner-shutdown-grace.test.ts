/** A stopping runner renews the leases of its actions until SHUTDOWN_GRACE ends. */
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
before(async () => {
  system = await startSystem({
    env: { LEASE: '2', KILL_GRACE: '0.3', SHUTDOWN_GRACE: '60', CHECK_INTERVAL: '3600' },
  })
  octopod = createApiClient(system.url)
})
after(() => system?.stop())

test('A script that runs for several leases after its runner received SIGTERM succeeds within SHUTDOWN_GRACE', async () => {
  const gate = join(system.dir, 'gate')
  const actionId = getActionId(await octopod.create('long-script', { 'behave.create': `wait ${gate}` }))
  await waitFor('the script runs', async () => {
    const { text } = await octopod.api('GET', `/log/${actionId}`)
    return { done: text.includes('waiting'), value: null, seen: text }
  })
  // This runner would claim the action as soon as the lease expired.
  const other = await system.startRunner()
  const { runner } = system
  const leaseEnd = () =>
    withDatabase(system.databaseUrl, async (db) => {
      const { rows } = await db.query('select lease_expires_at as at from actions where id = $1', [actionId])
      return (rows[0].at as Date | null)?.getTime() ?? 0
    })
  const before = await leaseEnd()
  runner.signal('SIGTERM')
  await waitFor('the lease was renewed for three more leases', async () => {
    const seen = (await leaseEnd()) - before
    return { done: seen > 6000, value: null, seen }
  })
  assert.ok(runner.isRunning())
  await writeFile(gate, '')
  const action = await octopod.waitForActionEnd(actionId)
  assert.deepEqual([action.state, action.attempt], ['succeeded', 1])
  await waitFor('the runner has exited', async () => ({ done: !runner.isRunning(), value: null }))
  assert.equal((await runner.exited).code, 0)
  assert.ok(system.runner.lines.some((line) => line.includes('no new work is taken')))
  await other.stop()
})
