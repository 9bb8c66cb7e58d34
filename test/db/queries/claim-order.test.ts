/** The order in which runners claim queued actions: people before automatic work, and callers in turn. */
import assert from 'node:assert/strict'
import { beforeEach, suite, test } from 'node:test'
import { type ClaimedAction, claimFirst, finish, start } from '../../../db/queries/action-lifecycle.ts'
import { requestCancel } from '../../../db/queries/cancel-action.ts'
import { findNextActions, type ServedCaller } from '../../../db/queries/claim-order.ts'
import {
  actionRow,
  actorNamed,
  anyRight,
  claimNow,
  enqueue,
  expireLease,
  leaseMs,
  newName,
  repeat,
  runAction,
  scriptResult,
  startAction,
  useTestDatabase,
} from '../fixtures.ts'

const db = useTestDatabase(10)
beforeEach(() => db.raw('truncate deployments, deployment_checks, actions, action_output, status_changes'))

async function claimNext(runner = 'runner', served: ServedCaller[] = []): Promise<ClaimedAction | null> {
  return claimFirst(db.pool, await findNextActions(db.pool, 32, served), runner, leaseMs)
}

const queue = async (actor: string, source = 'api'): Promise<number> =>
  (await enqueue(db, 'create', newName(), { actor, source })).actionId

/** A runner with one slot: claims and executes one action after the other. Returns the callers in order. */
async function executeAll(count: number, onExecuted: (count: number) => Promise<unknown> = async () => {}) {
  const served: ServedCaller[] = []
  const actors: string[] = []
  for (let executed = 1; executed <= count; executed += 1) {
    const action = await claimNext('runner', served)
    assert.ok(action)
    const others = served.filter(({ actor }) => actor !== action.actor)
    served.splice(0, served.length, ...others, action)
    await start(db.pool, action, null)
    await finish(db.pool, action, scriptResult(0))
    actors.push(action.actor)
    await onExecuted(executed)
  }
  return actors
}

suite('The next action', () => {
  test('is the oldest one of a single caller', async () => {
    const ids: number[] = []
    for (const _ of repeat(3, newName)) ids.push(await queue('ann'))
    for (const id of ids) assert.equal((await claimNext())?.actionId, id)
    assert.equal(await claimNext(), null)
  })

  test('is one that a person has requested, before older automatic ones', async () => {
    const automatic = await queue('octopod', 'retention')
    const requested = [await queue('ann'), await queue('bob')]
    for (const id of [...requested, automatic]) assert.equal((await claimNext())?.actionId, id)
  })

  test('is that of another caller, after one of a caller who has queued many', async () => {
    for (const _ of repeat(6, newName)) await queue('ann')
    const order = await executeAll(8, async (executed) => {
      if (executed === 2) await queue('bob')
      if (executed === 3) await queue('bob')
    })
    assert.deepEqual(order.slice(2, 6).toSorted(), ['ann', 'ann', 'bob', 'bob'])
    assert.ok(order.indexOf('bob') <= 3, `bob waited: ${order}`)
  })

  test('is never late for ever: new callers do not overtake an old one again and again', async () => {
    for (const _ of repeat(3, newName)) await queue('ann')
    await queue('new 0')
    const order = await executeAll(8, (executed) => queue(`new ${executed}`))
    assert.equal(order.filter((actor) => actor === 'ann').length, 3)
  })

  test('is that of the caller with the fewest running actions', async () => {
    for (const _ of repeat(4, newName)) await queue('ann')
    for (const _ of repeat(2, newName)) await claimNext()
    const bobs = await queue('bob')
    assert.equal((await claimNext('another runner'))?.actionId, bobs)
  })

  test('is claimed by one of many runners', async () => {
    for (const _ of repeat(8, newName)) await queue('ann')
    const claims = await Promise.all(repeat(10, (at) => claimNext(`runner ${at}`)))
    const ids = claims.flatMap((action) => (action === null ? [] : [action.actionId]))
    assert.equal(new Set(ids).size, 8)
    assert.equal(ids.length, 8)
  })

  test('is not one that is claimed, started, ended or cancelled; it is one whose lease has expired', async () => {
    const claimed = await claimNow(db, (await enqueue(db, 'create', newName())).actionId)
    await startAction(db, 'create', newName())
    await runAction(db, 'create', newName())
    const unwanted = await claimNow(db, (await enqueue(db, 'create', newName())).actionId)
    await requestCancel(db.pool, unwanted.actionId, actorNamed('ann'), anyRight)
    await expireLease(db, unwanted.actionId)
    assert.equal(await claimNext(), null)
    await expireLease(db, claimed.actionId)
    const again = await claimNext('another runner')
    assert.deepEqual([again?.actionId, again?.fencingToken], [claimed.actionId, claimed.fencingToken + 1])
    assert.equal((await actionRow(db, claimed.actionId)).runner, 'another runner')
  })
})
