/**
 * Runs random operations on a real database and on a small model in memory, and compares both after each step. A
 * failure prints the seed; MODEL_SEED=… repeats the same steps.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type ClaimedAction, claim, finish, renew, start } from '../../../db/queries/action-lifecycle.ts'
import { readActions } from '../../../db/queries/actions.ts'
import { requestCancel } from '../../../db/queries/cancel-action.ts'
import { claimChecks, saveCheckResult, saveCheckResultAndStatus } from '../../../db/queries/checks.ts'
import { deleteDeployment } from '../../../db/queries/delete-deployment.ts'
import { getListVersion } from '../../../db/queries/deployments.ts'
import { appendOutput, lastSeq } from '../../../db/queries/output.ts'
import { endExpiredAction } from '../../../db/queries/recovery.ts'
import { actionKinds, actions, canStart } from '../../../domain/actions.ts'
import type { ChangeEvent } from '../../../domain/event.ts'
import { statusAfterCheck } from '../../../domain/statuses.ts'
import { createRandom } from '../../fault/harness/random.ts'
import {
  actorNamed,
  anyRight,
  collect,
  enqueue,
  expireLease,
  getWholeOutput,
  leaseMs,
  scriptResult,
  statusOf,
  testActor,
  useTestDatabase,
} from '../fixtures.ts'
import { deleteBehind } from '../queries/history/history-fixtures.ts'
import {
  activeAction,
  expectOutcome,
  type ModelAction,
  type ModelDeployment,
  outcomeOf,
  queuedAction,
} from './model.ts'

const db = useTestDatabase(2)
const steps = 200
const seed = Number(process.env.MODEL_SEED ?? Date.now() % 1_000_000)

const model = new Map<string, ModelDeployment>()
let changes = 0
let lastRevision = 0

const { below: random } = createRandom(seed)
/** Unlike Random.pick, it accepts an empty list. */
const pick = <T>(values: readonly T[]) => values[random(values.length)] as T

function expectChange(change: ChangeEvent | null): void {
  assert.ok(change, 'there is a change event')
  changes += 1
  assert.ok(change.revision > lastRevision)
  lastRevision = change.revision
}

function applyEnd(name: string, deployment: ModelDeployment, action: ModelAction, succeeded: boolean): void {
  const { kind, previousStatus } = action
  if (succeeded && kind === 'cleanup') model.delete(name)
  else if (succeeded) deployment.status = actions[kind].runningStatus ?? deployment.status
  else deployment.status = previousStatus ?? actions[kind].failureStatus
}

const operations: Record<string, (name: string) => Promise<void>> = {
  async enqueue(name) {
    const deployment = model.get(name)
    const possible = actionKinds.filter((kind) =>
      deployment ? canStart(kind, deployment.status) : kind === 'create',
    )
    const kind = random(4) === 0 ? pick(actionKinds) : pick(possible.length > 0 ? possible : actionKinds)
    const expected =
      kind === 'create'
        ? deployment && 'name_taken'
        : !deployment
          ? 'no_such_deployment'
          : activeAction(deployment)
            ? 'busy'
            : canStart(kind, deployment.status)
              ? undefined
              : 'invalid_transition'
    const outcome = await outcomeOf(enqueue(db, kind, name))
    if (!expectOutcome(`enqueue ${kind}`, outcome, expected ?? null)) return
    expectChange(outcome.value.change)
    const changed: ModelDeployment = deployment ?? { status: 'CreatePending', actions: [] }
    const previousStatus = deployment && kind !== 'cleanup' ? deployment.status : null
    changed.actions.push(queuedAction(outcome.value.actionId, kind, previousStatus))
    changed.status = actions[kind].runningStatus ?? changed.status
    model.set(name, changed)
  },

  async claim(name) {
    const action = someAction(model.get(name))
    if (!action) return
    const lease = await claim(db.pool, action.id, 'r', leaseMs)
    assert.equal(lease !== null, action.state === 'queued' && !action.isClaimed && !action.cancel, 'claim')
    if (lease === null) return
    assert.equal(lease.fencingToken, (action.leases[0]?.fencingToken ?? 0) + 1)
    action.leases.unshift(lease)
    action.isClaimed = true
  },

  async start(name) {
    const [action, lease, isCurrent] = someLease(name)
    if (!action || !lease) return
    const holdsLease = isCurrent && action.isClaimed
    // A repeated start returns the same start.
    const isRepeated = holdsLease && action.state === 'running'
    const isAllowed = isRepeated || (holdsLease && action.state === 'queued' && !action.cancel)
    const outcome = await outcomeOf(start(db.pool, lease, null))
    if (!expectOutcome('start', outcome, isAllowed ? null : 'stale') || isRepeated) return
    expectChange(outcome.value)
    action.state = 'running'
    action.previousStatus = null
  },

  async renew(name) {
    const [action, lease, isCurrent] = someLease(name)
    if (!action || !lease) return
    const isAllowed =
      isCurrent && action.isClaimed && (action.state === 'queued' || action.state === 'running')
    const outcome = await outcomeOf(renew(db.pool, lease, leaseMs))
    if (expectOutcome('renew', outcome, isAllowed ? null : 'stale'))
      assert.equal(outcome.value.cancel, action.cancel)
  },

  async write(name) {
    const [action, lease, isCurrent] = someLease(name)
    if (!action || !lease) return
    const isAllowed = isCurrent && (action.state === 'queued' || action.state === 'running')
    const seq = (await lastSeq(db.pool, action.id)) + 1
    const outcome = await outcomeOf(
      appendOutput(db.pool, lease, [{ seq, stream: 'stdout', text: `${seq}.` }]),
    )
    if (expectOutcome('write', outcome, isAllowed ? null : 'stale')) action.output += `${seq}.`
  },

  async finish(name) {
    const [action, lease, isCurrent] = someLease(name)
    const deployment = model.get(name)
    if (!action || !lease || !deployment) return
    // The holder of an expired lease may still finish while no other runner has claimed the action.
    const isAllowed = isCurrent && (action.state === 'queued' || action.state === 'running')
    const exitCode = random(3) === 0 ? 1 : 0
    const outcome = await outcomeOf(finish(db.pool, lease, scriptResult(exitCode)))
    if (!expectOutcome('finish', outcome, isAllowed ? null : 'stale')) return
    expectChange(outcome.value)
    action.state = exitCode === 0 ? 'succeeded' : 'failed'
    applyEnd(name, deployment, action, exitCode === 0)
  },

  /** The runner of the action is lost. */
  async expireLease(name) {
    const action = activeAction(model.get(name))
    if (!action?.isClaimed) return
    await expireLease(db, action.id)
    action.isClaimed = false
  },

  async cancel(name) {
    const deployment = model.get(name)
    const action = someAction(deployment)
    if (!deployment || !action) return
    const isEnded = !['queued', 'running', 'cancelled'].includes(action.state)
    const outcome = await outcomeOf(requestCancel(db.pool, action.id, actorNamed('ann'), anyRight))
    if (!expectOutcome('cancel', outcome, isEnded ? 'action_finished' : null)) return
    if (action.state === 'cancelled') assert.equal(outcome.value.change, null)
    else if (action.state === 'queued' && !action.isClaimed) {
      expectChange(outcome.value.change)
      action.state = 'cancelled'
      applyEnd(name, deployment, action, false)
    } else {
      if (action.cancel) assert.equal(outcome.value.change, null)
      else expectChange(outcome.value.change)
      action.cancel = true
    }
  },

  async recover() {
    const lost = [...model].flatMap(([name, deployment]) => {
      const action = activeAction(deployment)
      const isLost = action && action.leases.length > 0 && !action.isClaimed
      return isLost && (action.state === 'running' || action.cancel) ? [{ name, deployment, action }] : []
    })
    const retry = random(2) === 0
    const ended = await endExpiredAction(db.pool, retry)
    const [first] = lost.sort((a, b) => a.action.id - b.action.id)
    assert.equal(ended?.actionId, first?.action.id, 'recover')
    if (!ended || !first) return
    const { name, deployment, action } = first
    expectChange(ended.change)
    action.state = action.state === 'queued' ? 'cancelled' : 'interrupted'
    const isRetried = retry && action.state === 'interrupted' && !action.cancel && action.attempt < 3
    assert.equal(ended.retryActionId !== null, isRetried)
    if (ended.retryActionId === null) return applyEnd(name, deployment, action, false)
    const { kind, attempt } = action
    deployment.actions.push(queuedAction(ended.retryActionId, kind, null, attempt + 1))
  },

  async check(name) {
    await db.raw('update deployment_checks set next_check_at = now() where next_check_at is not null')
    const due = await claimChecks(db.pool, 100, 0)
    const idle = [...model].filter(
      ([, one]) => !activeAction(one) && one.status !== 'Archived' && one.status !== 'CleanupFailed',
    )
    assert.deepEqual(due.map((one) => one.name).sort(), idle.map(([idleName]) => idleName).sort(), 'due')
    const check = due.find((one) => one.name === name)
    const deployment = model.get(name)
    if (!check || !deployment) return
    // Sometimes an action starts during the check.
    const actionStarted = random(4) === 0 && canStart('archive', deployment.status)
    if (actionStarted) {
      const { actionId, change } = await enqueue(db, 'archive', name)
      expectChange(change)
      deployment.actions.push(queuedAction(actionId, 'archive', deployment.status))
      deployment.status = 'ArchivePending'
    }
    const exitCode = pick([0, 0, 0, 1, 2, 3])
    const newStatus = statusAfterCheck(check.status, exitCode, check.pendingMs, 1)
    const outcome = { ...check, exitCode, failure: null, nextCheckInMs: 0 }
    if (newStatus === check.status) return void (await saveCheckResult(db.pool, outcome))
    const change = await saveCheckResultAndStatus(db.pool, outcome, newStatus)
    assert.equal(change === null, actionStarted, 'a late check result is rejected')
    if (change === null) return
    expectChange(change)
    deployment.status = newStatus
  },

  async delete(name) {
    const deployment = model.get(name)
    if (deployment && random(4) > 0) return
    const expected = deployment ? (activeAction(deployment) ? 'busy' : null) : 'no_such_deployment'
    const outcome = await outcomeOf(deleteDeployment(db.pool, name, testActor, undefined))
    if (!expectOutcome('delete', outcome, expected)) return
    expectChange(outcome.value)
    model.delete(name)
  },
}

/** The usual next step. */
function usualStep(deployment: ModelDeployment | undefined): string {
  const action = activeAction(deployment)
  if (action?.state === 'running') return 'finish'
  if (action) return action.isClaimed ? 'start' : 'claim'
  return deployment?.status.endsWith('Pending') ? 'check' : 'enqueue'
}

/** Usually the active action, if there is one. */
function someAction(deployment: ModelDeployment | undefined): ModelAction | undefined {
  return (random(4) > 0 ? activeAction(deployment) : undefined) ?? pick(deployment?.actions ?? [])
}

/** An action, one of its leases, and whether that lease is the current one. */
function someLease(name: string): [ModelAction | undefined, ClaimedAction | undefined, boolean] {
  const claimedActions = model.get(name)?.actions.filter((action) => action.leases.length > 0) ?? []
  const action = random(3) > 0 ? claimedActions.at(-1) : pick(claimedActions)
  const lease = action && (random(4) > 0 ? action.leases[0] : pick(action.leases))
  return [action, lease, lease !== undefined && lease === action?.leases[0]]
}

test(`${steps} random steps leave the database in the state of the model (seed ${seed})`, async (context) => {
  const names = ['one', 'two']
  const history: string[] = []
  for (let step = 0; step < steps; step++) {
    const name = pick(names)
    const operation = random(5) > 1 ? usualStep(model.get(name)) : pick(Object.keys(operations))
    history.push(`${operation} ${name}`)
    try {
      await operations[operation]?.(name)
      assert.equal(await statusOf(db, name), model.get(name)?.status ?? 'deleted', 'status')
      assert.equal(await getListVersion(db.pool), changes, 'changes')
    } catch (error) {
      throw new Error(`seed ${seed}, after ${history.slice(-12).join(', ')}`, { cause: error })
    }
  }
  context.diagnostic(`${changes} visible changes`)
  for (const [name, deployment] of model) {
    const stored = await collect(readActions(db.pool, name, 500))
    assert.deepEqual(
      stored.map((action) => [action.action_id, action.state, action.attempt]),
      deployment.actions.map((action) => [action.id, action.state, action.attempt]).reverse(),
    )
    for (const action of deployment.actions)
      assert.equal((await getWholeOutput(db.pool, action.id)).stdout, action.output)
  }
  await deleteBehind(db)
  const [{ output }] = await db.raw('select count(distinct action_id)::int as output from action_output')
  const written = [...model.values()].flatMap((one) => one.actions).filter((one) => one.output !== '')
  assert.equal(output, written.length, 'no output of deleted actions is left')
})
