/**
 * Runs random operations on a real database and on a small model in memory, and compares both after each step. A failure
 * prints the seed; MODEL_SEED=… repeats the same steps.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isStaleWrite } from '../../../db/errors.ts'
import { type ClaimedAction, claim, finish, renew, start } from '../../../db/queries/action-lifecycle.ts'
import { listActions } from '../../../db/queries/actions.ts'
import { requestCancel } from '../../../db/queries/cancel-action.ts'
import { claimChecks, saveCheckResult, saveCheckResultAndStatus } from '../../../db/queries/checks.ts'
import { deleteDeployment } from '../../../db/queries/delete-deployment.ts'
import { getListVersion } from '../../../db/queries/deployments.ts'
import { appendOutput, getWholeOutput, lastSeq } from '../../../db/queries/output.ts'
import { endExpiredAction } from '../../../db/queries/recovery.ts'
import { type ActionKind, type ActionState, actionKinds, actions, canStart } from '../../../domain/actions.ts'
import { ApiError } from '../../../domain/errors.ts'
import type { ChangeEvent } from '../../../domain/event.ts'
import { type Status, statusAfterCheck } from '../../../domain/statuses.ts'
import { enqueue, expireLease, leaseMs, scriptResult, statusOf, useTestDatabase } from '../fixtures.ts'

const db = useTestDatabase(2)
const steps = 200
const seed = Number(process.env.MODEL_SEED ?? Date.now() % 1_000_000)

type ModelAction = {
  id: number
  kind: ActionKind
  state: ActionState
  /** All claims, the last one first. Expired leases stay in the list, to try writes that must be rejected. */
  holders: ClaimedAction[]
  held: boolean
  cancel: boolean
  attempt: number
  output: string
  /** The status before this action; null once the script has started. */
  undo: Status | null
}
type ModelDeployment = { status: Status; actions: ModelAction[] }
const model = new Map<string, ModelDeployment>()
let changes = 0
let lastRevision = 0

const active = (deployment: ModelDeployment | undefined) =>
  deployment?.actions.find((action) => action.state === 'queued' || action.state === 'running')

const queued = (id: number, kind: ActionKind, undo: Status | null, attempt = 1): ModelAction => ({
  id,
  kind,
  state: 'queued',
  holders: [],
  held: false,
  cancel: false,
  attempt,
  output: '',
  undo,
})

let state = seed
/** mulberry32 */
function random(below: number): number {
  state = (state + 0x6d2b79f5) | 0
  let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
  mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
  return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * below)
}
function pick<T>(from: readonly T[]): T {
  return from[random(from.length)] as T
}

/** Returns the value or the code of the refusal. */
async function attempt<T>(work: Promise<T>): Promise<{ value: T } | { refused: string }> {
  try {
    return { value: await work }
  } catch (error) {
    if (error instanceof ApiError) return { refused: error.code }
    if (isStaleWrite(error)) return { refused: 'stale' }
    throw error
  }
}

/** Asserts that the database accepted the operation exactly when the model does. Returns whether it did. */
function expectSame<T>(
  what: string,
  outcome: { value: T } | { refused: string },
  expected: string | null,
): outcome is { value: T } {
  assert.equal('refused' in outcome ? outcome.refused : null, expected, what)
  return 'value' in outcome
}

function expectChange(change: ChangeEvent | null): void {
  assert.ok(change, 'there is a change event')
  changes += 1
  assert.ok(change.revision > lastRevision)
  lastRevision = change.revision
}

function applyEnd(name: string, deployment: ModelDeployment, action: ModelAction, succeeded: boolean): void {
  const { kind, undo } = action
  if (succeeded && kind === 'cleanup') model.delete(name)
  else if (succeeded) deployment.status = actions[kind].runningStatus ?? deployment.status
  else deployment.status = undo ?? actions[kind].failureStatus
}

const operations: Record<string, (name: string) => Promise<void>> = {
  async begin(name) {
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
          : active(deployment)
            ? 'busy'
            : canStart(kind, deployment.status)
              ? undefined
              : 'invalid_transition'
    const outcome = await attempt(enqueue(db, kind, name))
    if (!expectSame(`begin ${kind}`, outcome, expected ?? null)) return
    expectChange(outcome.value.change)
    const known: ModelDeployment = deployment ?? { status: 'CreatePending', actions: [] }
    const undo = deployment && kind !== 'cleanup' ? deployment.status : null
    known.actions.push(queued(outcome.value.actionId, kind, undo))
    known.status = actions[kind].runningStatus ?? known.status
    model.set(name, known)
  },

  async claim(name) {
    const action = someAction(model.get(name))
    if (!action) return
    const held = await claim(db.pool, action.id, 'r', leaseMs)
    assert.equal(held !== null, action.state === 'queued' && !action.held && !action.cancel, 'claim')
    if (held === null) return
    assert.equal(held.fencingToken, (action.holders[0]?.fencingToken ?? 0) + 1)
    action.holders.unshift(held)
    action.held = true
  },

  async start(name) {
    const [action, held, present] = holder(name)
    if (!action || !held) return
    const ours = present && action.held
    // A repeated start returns the same start.
    const again = ours && action.state === 'running'
    const may = again || (ours && action.state === 'queued' && !action.cancel)
    const outcome = await attempt(start(db.pool, held, null))
    if (!expectSame('start', outcome, may ? null : 'stale') || again) return
    expectChange(outcome.value)
    action.state = 'running'
    action.undo = null
  },

  async renew(name) {
    const [action, held, present] = holder(name)
    if (!action || !held) return
    const may = present && action.held && (action.state === 'queued' || action.state === 'running')
    const outcome = await attempt(renew(db.pool, held, leaseMs))
    if (expectSame('renew', outcome, may ? null : 'stale')) assert.equal(outcome.value.cancel, action.cancel)
  },

  async write(name) {
    const [action, held, present] = holder(name)
    if (!action || !held) return
    const may = present && (action.state === 'queued' || action.state === 'running')
    const seq = (await lastSeq(db.pool, action.id)) + 1
    const outcome = await attempt(appendOutput(db.pool, held, [{ seq, stream: 'stdout', text: `${seq}.` }]))
    if (expectSame('write', outcome, may ? null : 'stale')) action.output += `${seq}.`
  },

  async finish(name) {
    const [action, held, present] = holder(name)
    const deployment = model.get(name)
    if (!action || !held || !deployment) return
    // The holder of an expired lease may still finish while no other runner has claimed the action.
    const may = present && (action.state === 'queued' || action.state === 'running')
    const exitCode = random(3) === 0 ? 1 : 0
    const outcome = await attempt(finish(db.pool, held, scriptResult(exitCode)))
    if (!expectSame('finish', outcome, may ? null : 'stale')) return
    expectChange(outcome.value)
    action.state = exitCode === 0 ? 'succeeded' : 'failed'
    applyEnd(name, deployment, action, exitCode === 0)
  },

  async lose(name) {
    const action = active(model.get(name))
    if (!action?.held) return
    await expireLease(db, action.id)
    action.held = false
  },

  async cancel(name) {
    const deployment = model.get(name)
    const action = someAction(deployment)
    if (!deployment || !action) return
    const over = !['queued', 'running', 'cancelled'].includes(action.state)
    const outcome = await attempt(requestCancel(db.pool, action.id, 'ann'))
    if (!expectSame('cancel', outcome, over ? 'action_finished' : null)) return
    if (action.state === 'cancelled') assert.equal(outcome.value.change, null)
    else if (action.state === 'queued' && !action.held) {
      expectChange(outcome.value.change)
      action.state = 'cancelled'
      applyEnd(name, deployment, action, false)
    } else {
      if (action.cancel) assert.equal(outcome.value.change, null)
      else expectChange(outcome.value.change)
      action.cancel = true
    }
  },

  async sweep() {
    const lost = [...model].flatMap(([name, deployment]) => {
      const action = active(deployment)
      const found = action && action.holders.length > 0 && !action.held
      return found && (action.state === 'running' || action.cancel) ? [{ name, deployment, action }] : []
    })
    const retry = random(2) === 0
    const ended = await endExpiredAction(db.pool, retry)
    const [first] = lost.sort((a, b) => a.action.id - b.action.id)
    assert.equal(ended?.actionId, first?.action.id, 'sweep')
    if (!ended || !first) return
    const { name, deployment, action } = first
    expectChange(ended.change)
    action.state = action.state === 'queued' ? 'cancelled' : 'interrupted'
    const again = retry && action.state === 'interrupted' && !action.cancel && action.attempt < 3
    assert.equal(ended.retryActionId !== null, again)
    if (ended.retryActionId === null) return applyEnd(name, deployment, action, false)
    const { kind, attempt } = action
    deployment.actions.push(queued(ended.retryActionId, kind, null, attempt + 1))
  },

  async check(name) {
    await db.raw('update deployments set next_check_at = now()')
    const due = await claimChecks(db.pool, 100, 0)
    const idle = [...model].filter(
      ([, one]) => !active(one) && one.status !== 'Archived' && one.status !== 'CleanupFailed',
    )
    assert.deepEqual(due.map((one) => one.name).sort(), idle.map(([idleName]) => idleName).sort(), 'due')
    const check = due.find((one) => one.name === name)
    const deployment = model.get(name)
    if (!check || !deployment) return
    // Sometimes an action starts during the check.
    const begun = random(4) === 0 && canStart('archive', deployment.status)
    if (begun) {
      const { actionId, change } = await enqueue(db, 'archive', name)
      expectChange(change)
      deployment.actions.push(queued(actionId, 'archive', deployment.status))
      deployment.status = 'ArchivePending'
    }
    const exitCode = pick([0, 0, 0, 1, 2, 3])
    const to = statusAfterCheck(check.status, exitCode, check.pendingMs, 1)
    const outcome = { ...check, statusWhenClaimed: check.status, exitCode, error: null, nextCheckInMs: 0 }
    if (to === check.status) return saveCheckResult(db.pool, outcome)
    const change = await saveCheckResultAndStatus(db.pool, outcome, to)
    assert.equal(change === null, begun, 'a late check result is rejected')
    if (change === null) return
    expectChange(change)
    deployment.status = to
  },

  async delete(name) {
    const deployment = model.get(name)
    if (deployment && random(4) > 0) return
    const expected = deployment ? (active(deployment) ? 'busy' : null) : 'no_such_deployment'
    const outcome = await attempt(deleteDeployment(db.pool, name, undefined))
    if (!expectSame('delete', outcome, expected)) return
    expectChange(outcome.value)
    model.delete(name)
  },
}

/** The usual next step. */
function usualStep(deployment: ModelDeployment | undefined): string {
  const action = active(deployment)
  if (action?.state === 'running') return 'finish'
  if (action) return action.held ? 'start' : 'claim'
  return deployment?.status.endsWith('Pending') ? 'check' : 'begin'
}

/** Usually the active action, if there is one. */
function someAction(deployment: ModelDeployment | undefined): ModelAction | undefined {
  return (random(4) > 0 ? active(deployment) : undefined) ?? pick(deployment?.actions ?? [])
}

/** An action, one of its leases, and whether that lease is the current one. */
function holder(name: string): [ModelAction | undefined, ClaimedAction | undefined, boolean] {
  const all = model.get(name)?.actions.filter((action) => action.holders.length > 0) ?? []
  const action = random(3) > 0 ? all.at(-1) : pick(all)
  const held = action && (random(4) > 0 ? action.holders[0] : pick(action.holders))
  return [action, held, held !== undefined && held === action?.holders[0]]
}

test(`${steps} random steps leave the database in the state of the model (seed ${seed})`, async (context) => {
  const names = ['one', 'two']
  const path: string[] = []
  for (let at = 0; at < steps; at++) {
    const name = pick(names)
    const what = random(5) > 1 ? usualStep(model.get(name)) : pick(Object.keys(operations))
    path.push(`${what} ${name}`)
    try {
      await operations[what]?.(name)
      assert.equal(await statusOf(db, name), model.get(name)?.status ?? 'deleted', 'status')
      assert.equal(await getListVersion(db.pool), changes, 'changes')
    } catch (error) {
      throw new Error(`seed ${seed}, after ${path.slice(-12).join(', ')}`, { cause: error })
    }
  }
  context.diagnostic(`${changes} visible changes`)
  for (const [name, deployment] of model) {
    const stored = await listActions(db.pool, name, 500)
    assert.deepEqual(
      stored.map((action) => [action.action_id, action.state, action.attempt]),
      deployment.actions.map((action) => [action.id, action.state, action.attempt]).reverse(),
    )
    for (const action of deployment.actions)
      assert.equal((await getWholeOutput(db.pool, action.id)).stdout, action.output)
  }
  const [{ output }] = await db.raw('select count(distinct action_id)::int as output from action_output')
  const written = [...model.values()].flatMap((one) => one.actions).filter((one) => one.output !== '')
  assert.equal(output, written.length, 'no output of deleted actions is left')
})
