/**
 * What a deployment's state means for somebody who waits: go on, done, or a failure with its words. Pure rules over
 * contract §2. Called by wait.ts.
 */
import { type ActionKind, type ActionState, isActive, kindFromWireName } from '../../domain/actions.ts'
import type { ActionSummary, FullInfo } from '../../domain/schemas.ts'
import { fromRecordedStatus, isFailure, type RecordedStatus, type Status } from '../../domain/statuses.ts'
import { CliError } from '../errors/cli-error.ts'

/** Where a deployment is to arrive. */
export type TargetState = 'Running' | 'Archived' | 'gone'

export const targetStates = {
  create: 'Running',
  update: 'Running',
  restore: 'Running',
  archive: 'Archived',
  cleanup: 'gone',
} as const satisfies Record<ActionKind, TargetState>

/** `info` null: there is no such deployment. `action`: the one that was begun, null when only the deployment counts. */
export type Snapshot = { name: string; info: FullInfo | null; action: ActionSummary | null }

/** Null: wait on. A Failure: it cannot arrive any more. */
export function evaluateWait(
  target: TargetState,
  { name, info, action }: Snapshot,
): 'arrived' | CliError | null {
  if (info === null) {
    if (target !== 'Running') return 'arrived'
    return new CliError('failed', `Deployment ${name} is gone.`, 'It was cleaned up or deleted meanwhile.')
  }
  if (action !== null) {
    if (isActive(action.state)) return null
    if (action.state !== 'succeeded') return failureOf(action)
  }
  const lastAction = info.last_action
  if (lastAction !== null && isActive(lastAction.state)) return otherActionRunning(target, name, lastAction)
  const status = statusOf(info)
  if (status === target) return 'arrived'
  if (status === 'CreatePending' || status === 'UpdatePending')
    return target === 'Running' ? null : unexpectedStatus(target, name, status)
  // A failed archive or restore leaves such a status too: then the last action tells.
  if (lastAction !== null && lastAction.state !== 'succeeded' && leadsTo(target, lastAction))
    return failureOf(lastAction)
  if (status === 'ArchivePending')
    return target === 'Archived' ? null : unexpectedStatus(target, name, status)
  if (isFailure(status) && target === 'Running') {
    return new CliError(
      'failed',
      `Deployment ${name} is ${status}: its check script says it does not run.`,
      `Look at octo info -n ${name} and the output of its last action.`,
    )
  }
  return unexpectedStatus(target, name, status)
}

/**
 * The later attempt of an interrupted action: where INTERRUPTED_ACTIONS=retry, the system makes it by itself, and the
 * deployment tells of it from the moment the first one has ended. Null: there is none.
 */
export function findNewerAttempt({ info, action }: Snapshot): ActionSummary | null {
  const last = info?.last_action ?? null
  if (action?.state !== 'interrupted' || last === null) return null
  const isNewerAttempt =
    last.action === action.action && last.action_id > action.action_id && last.attempt > action.attempt
  return isNewerAttempt ? last : null
}

/** How an action ended badly, in words. */
export function failureOf(action: ActionSummary): CliError {
  const { action_id: id, state, exit_code: exitCode, signal, error, cancelled_by: cancelledBy } = action
  const subject = `${kindFromWireName(action.action)} (action ${id})`
  if (state === 'cancelled') {
    return new CliError(
      'cancelled',
      `${subject} was cancelled${cancelledBy === null ? '' : ` by ${cancelledBy}`}.`,
    )
  }
  const reasons: Partial<Record<ActionState, string>> = {
    timed_out: 'ran out of time and was ended',
    interrupted: 'was interrupted: its runner was lost',
  }
  const exitText = exitCode !== null ? ` with exit code ${exitCode}` : signal !== null ? ` by ${signal}` : ''
  const outcome = reasons[state] ?? `failed${exitText}`
  return new CliError(
    'failed',
    `${subject} ${outcome}.${error === null ? '' : ` ${error}`}`,
    `Its output: octo logs -a ${id}`,
  )
}

export const statusOf = (info: FullInfo): Status =>
  fromRecordedStatus(info.status.recorded_status as RecordedStatus)

const leadsTo = (target: TargetState, action: ActionSummary) =>
  targetStates[kindFromWireName(action.action)] === target

/** Somebody else's action came after: it may lead to the same place. */
function otherActionRunning(target: TargetState, name: string, lastAction: ActionSummary): CliError | null {
  if (leadsTo(target, lastAction)) return null
  return new CliError(
    'failed',
    `Deployment ${name} will not be ${target}: ${lastAction.actor} began ${kindFromWireName(lastAction.action)} (action ${lastAction.action_id}).`,
  )
}

function unexpectedStatus(target: TargetState, name: string, status: Status): CliError {
  return new CliError('failed', `Deployment ${name} is ${status}, not ${target}.`)
}
