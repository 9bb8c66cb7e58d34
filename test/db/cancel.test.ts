/** Cancel and delete: against each other, against claims, and asked more than once. */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { appendOutput } from '../../db/actions.ts'
import { deleteDeployment, requestCancel } from '../../db/cancel.ts'
import { countChanges } from '../../db/deployments.ts'
import { isStaleWrite } from '../../db/errors.ts'
import { claim, finish, renew, start } from '../../db/transition.ts'
import {
  actionRow,
  ask,
  beginUpdate,
  deployment,
  ended,
  ground,
  leaseMs,
  loseLease,
  meanwhile,
  newName,
  outcomes,
  perform,
  refusal,
  running,
  statusOf,
  take,
  times,
} from './ground.ts'

const here = ground(10)
const cancel = (actionId: number, actor = 'carl') => requestCancel(here.pool, actionId, actor)

suite('cancel', () => {
  test('ends an action nobody holds at once, with who did it, and the deployment is what it was', async () => {
    const name = await deployment(here)
    const { actionId } = await ask(here, 'update', name)
    const { change, held } = await cancel(actionId)
    assert.equal(held, false)
    assert.ok(change?.type === 'deployment')
    assert.equal(change.deployment.status.tag, 'DeploymentNotPending')
    assert.equal(change.deployment.last_action?.state, 'cancelled')
    const row = await actionRow(here, actionId)
    assert.deepEqual([row.state, row.cancelled_by, row.started_at], ['cancelled', 'carl', null])
    assert.equal(await claim(here.pool, actionId, 'runner', leaseMs), null)
    assert.equal(await statusOf(here, name), 'Running')
    await ask(here, 'update', name)
  })

  test('of a held action is left to its runner, which hears of it with its next renewal', async () => {
    const held = await running(here, 'update', await deployment(here))
    assert.deepEqual(await renew(here.pool, held, leaseMs), { cancel: false })
    const asked = await cancel(held.actionId)
    assert.equal(asked.held, true)
    assert.ok(asked.change?.type === 'deployment')
    assert.ok(asked.change.deployment.last_action?.cancel_requested_at)
    assert.deepEqual(await renew(here.pool, held, leaseMs), { cancel: true })
    await finish(here.pool, held, ended(null, { cancelled: true, signal: 'SIGTERM' }))
    assert.equal((await actionRow(here, held.actionId)).state, 'cancelled')
  })

  test('asked again is the same as asked once: first asker and time stay, nothing changes, nobody is told', async () => {
    const held = await running(here, 'update', await deployment(here))
    await cancel(held.actionId, 'first')
    const before = await actionRow(here, held.actionId)
    const changes = await countChanges(here.pool)
    assert.deepEqual(await cancel(held.actionId, 'second'), { change: null, held: true })
    assert.deepEqual(await actionRow(here, held.actionId), before)
    assert.equal(await countChanges(here.pool), changes)
    await finish(here.pool, held, ended(null, { cancelled: true }))
    assert.deepEqual(await cancel(held.actionId), { change: null, held: false })
  })

  test('is too late for what has ended, and says how; there is no action it does not know', async () => {
    const held = await perform(here, 'create', newName())
    await assert.rejects(cancel(held.actionId), refusal('too_late', /succeeded/))
    await assert.rejects(cancel(999_999_999), refusal('no_such_action'))
  })

  test('of an action whose runner was lost before the start ends it', async () => {
    const { actionId } = await ask(here, 'update', await deployment(here))
    const held = await take(here, actionId)
    await loseLease(here, actionId)
    assert.equal((await cancel(actionId)).held, false)
    await assert.rejects(start(here.pool, held, null), isStaleWrite)
    await assert.rejects(
      appendOutput(here.pool, held, [{ seq: 1, stream: 'stdout', text: 'x' }]),
      isStaleWrite,
    )
  })

  test('against a claim: either it never runs, or its runner hears of it', async () => {
    for (const _ of times(20, newName)) {
      const { actionId } = await ask(here, 'create', newName())
      const [asked, claimed] = await Promise.all([cancel(actionId), claim(here.pool, actionId, 'r', leaseMs)])
      const { state } = await actionRow(here, actionId)
      assert.equal(asked.held, claimed !== null)
      assert.equal(state, claimed === null ? 'cancelled' : 'queued')
      if (claimed) assert.deepEqual(await renew(here.pool, claimed, leaseMs), { cancel: true })
    }
  })

  test('against the end of its script: the end is one of the two, never both', async () => {
    for (const _ of times(20, newName)) {
      const held = await running(here, 'create', newName())
      const { won, lost } = await outcomes<unknown>([
        cancel(held.actionId),
        finish(here.pool, held, ended(0)),
      ])
      assert.equal((await actionRow(here, held.actionId)).state, 'succeeded')
      assert.ok(won.length === 2 || lost[0].code === 'too_late')
    }
  })
})

suite('delete', () => {
  const forget = (name: string) => deleteDeployment(here.pool, name, undefined)

  test('forgets a deployment of any status, its actions and their output', async () => {
    const name = await deployment(here)
    const held = await running(here, 'update', name)
    await appendOutput(here.pool, held, [{ seq: 1, stream: 'stdout', text: 'x' }])
    await finish(here.pool, held, ended(0))
    const change = await forget(name)
    assert.ok(change?.type === 'deleted')
    assert.equal(change.name, name)
    assert.equal(await statusOf(here, name), 'gone')
    assert.equal(await actionRow(here, held.actionId), undefined)
    assert.deepEqual(await here.raw('select * from action_output where action_id = $1', [held.actionId]), [])
    await assert.rejects(forget(name), refusal('no_such_deployment'))
  })

  test('is refused while an action is under way', async () => {
    const name = await deployment(here)
    await ask(here, 'update', name)
    await assert.rejects(forget(name), refusal('busy'))
  })

  test('that waited for the row sees an action that has begun meanwhile', async () => {
    const name = await deployment(here)
    await assert.rejects(
      meanwhile(here, name, () => forget(name), beginUpdate(name)),
      refusal('busy'),
    )
    assert.equal(await statusOf(here, name), 'UpdatePending')
  })

  test('against begin: exactly one of the two happens', async () => {
    for (const _ of times(20, newName)) {
      const name = await deployment(here)
      const { won, lost } = await outcomes<unknown>([ask(here, 'update', name), forget(name)])
      assert.equal(won.length, 1)
      assert.ok(['busy', 'no_such_deployment'].includes(lost[0].code), lost[0].message)
      const gone = (await statusOf(here, name)) === 'gone'
      assert.equal(gone, lost[0].code === 'no_such_deployment')
    }
  })

  test('of many at once happens once, and the next deployment of that name has a greater revision', async () => {
    const name = await deployment(here)
    const { won, lost } = await outcomes(times(10, () => forget(name)))
    assert.equal(won.length, 1)
    assert.ok(lost.every((error) => error.code === 'no_such_deployment'))
    const { change } = await ask(here, 'create', name)
    assert.ok(change && won[0] && change.revision > won[0].revision)
  })
})
