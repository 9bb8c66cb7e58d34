/**
 * Decides what the state of a deployment means for a command that waits: wait on, arrived, or an error. Pure functions.
 * Called by wait-and-follow.ts and by the views in output/columns.ts.
 */
import { type ActionKind, type ActionState, isActive, kindFromWireName } from '../../domain/actions.ts'
import type { ActionSummary, FullInfo } from '../../domain/schemas.ts'
import {
  fromRecordedStatus,
  isFailure,
  type RecordedStatus,
  type Status,
  statusTable,
} from '../../domain/statuses.ts'
import { CliError } from '../errors/cli-error.ts'

/** The state that a command waits for; `gone`: the deployment no longer exists. */
export type TargetState = 'Running' | 'Archived' | 'gone'

export const targetStates = {
  create: 'Running',
  update: 'Running',
  restore: 'Running',
  archive: 'Archived',
  cleanup: 'gone',
} as const satisfies Record<ActionKind, TargetState>

/**
 * The state at one moment. `info`: null when the deployment does not exist. `action`: the action that the command waits
 * for, null when it waits for the deployment only.
 */
export type Snapshot = { name: string; info: FullInfo | null; action: ActionSummary | null }

/** Null: wait on. A CliError: the deployment can no longer reach the target. */
export function evaluateWait(
  target: TargetState,
  { name, info, action }: Snapshot,
): 'arrived' | CliError | null {
  if (info === null) {
    if (target !== 'Running') return 'arrived'
    return new CliError(
      'failed',
      `Deployment ${name} does not exist.`,
      'It was never created, or it was cleaned up or deleted.',
    )
  }
  if (action !== null) {
    if (isActive(action.state)) return null
    if (action.state !== 'succeeded') return failureOf(action)
  }
  const lastAction = info.last_action
  if (lastAction !== null && isActive(lastAction.state)) return otherActionRunning(target, name, lastAction)
  const status = statusOf(info)
  if (status === target) return 'arrived'
  const { pendingTarget } = statusTable[status]
  if (pendingTarget === 'Running') return target === 'Running' ? null : unexpectedStatus(target, name, status)
  // A failed archive or restore leaves such a status too; then the last action has the reason.
  if (lastAction !== null && lastAction.state !== 'succeeded' && leadsTo(target, lastAction))
    return failureOf(lastAction)
  if (pendingTarget === 'Archived')
    return target === 'Archived' ? null : unexpectedStatus(target, name, status)
  if (isFailure(status) && target === 'Running') {
    return new CliError(
      'failed',
      `Deployment ${name} is ${status}: its check script failed.`,
      `See octo info -n ${name} and the output of its last action.`,
    )
  }
  return unexpectedStatus(target, name, status)
}

/**
 * The next attempt of an interrupted action, which the system starts with INTERRUPTED_ACTIONS=retry. It is the last
 * action of the deployment as soon as the first attempt has ended. Null without one.
 */
export function findNewerAttempt({ info, action }: Snapshot): ActionSummary | null {
  const lastAction = info?.last_action ?? null
  if (action?.state !== 'interrupted' || lastAction === null) return null
  const isNewerAttempt =
    lastAction.action === action.action &&
    lastAction.action_id > action.action_id &&
    lastAction.attempt > action.attempt
  return isNewerAttempt ? lastAction : null
}

/** The error for an action that did not succeed. */
function failureOf(action: ActionSummary): CliError {
  const { action_id: id, state, exit_code: exitCode, signal, error, cancelled_by: cancelledBy } = action
  const subject = `${kindFromWireName(action.action)} (action ${id})`
  if (state === 'cancelled') {
    return new CliError(
      'cancelled',
      `${subject} was cancelled${cancelledBy === null ? '' : ` by ${cancelledBy}`}.`,
    )
  }
  const reasons: Partial<Record<ActionState, string>> = {
    timed_out: 'exceeded its time limit and was ended',
    interrupted: 'was interrupted: its runner was lost',
  }
  const exitText = exitCode !== null ? ` with exit code ${exitCode}` : signal !== null ? ` by ${signal}` : ''
  const outcome = reasons[state] ?? `failed${exitText}`
  return new CliError(
    'failed',
    `${subject} ${outcome}.${error === null ? '' : ` ${error}`}`,
    `See its output: octo logs -a ${id}`,
  )
}

export const statusOf = (info: FullInfo): Status =>
  fromRecordedStatus(info.status.recorded_status as RecordedStatus)

const leadsTo = (target: TargetState, action: ActionSummary) =>
  targetStates[kindFromWireName(action.action)] === target

/** A later action is running; it may lead to the same state. */
function otherActionRunning(target: TargetState, name: string, lastAction: ActionSummary): CliError | null {
  if (leadsTo(target, lastAction)) return null
  return new CliError(
    'failed',
    `Deployment ${name} will not be ${target}: ${lastAction.actor} started ${kindFromWireName(lastAction.action)} (action ${lastAction.action_id}).`,
  )
}

function unexpectedStatus(target: TargetState, name: string, status: Status): CliError {
  return new CliError('failed', `Deployment ${name} is ${status}, not ${target}.`)
}
