/**
 * Decides what the state of a deployment means for a command that waits: wait on, arrived, or an error. Pure functions.
 * Called by wait-and-follow.ts and by the views in output/columns.ts.
 */
import { activeAction, statusOf } from '../../client/action-outcome.ts'
import { type ActionKind, hasEnded, kindFromWireName } from '../../domain/actions.ts'
import type { ActionSummary, FullInfoWithCheck } from '../../domain/schemas.ts'
import { isFailure, type Status, statusTable } from '../../domain/statuses.ts'
import { CliError, type CliErrorKind } from '../errors/cli-error.ts'
import { actorLabel } from '../output/actor-label.ts'
import {
  type Explanation,
  explainAction,
  explainCheck,
  explanationLines,
  subjectOf,
} from '../output/explanation.ts'

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
export type Snapshot = { name: string; info: FullInfoWithCheck | null; action: ActionSummary | null }

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
    if (!hasEnded(action.state)) return null
    if (action.state !== 'succeeded') return failureOf(name, action)
  }
  const lastAction = info.last_action
  const active = activeAction(info)
  if (active !== null) return otherActionRunning(target, name, active)
  const status = statusOf(info)
  if (status === target) return 'arrived'
  const { pendingTarget } = statusTable[status]
  if (pendingTarget === 'Running') return target === 'Running' ? null : unexpectedStatus(target, name, status)
  // A failed archive or restore leaves such a status too; then the last action has the reason.
  if (lastAction !== null && lastAction.state !== 'succeeded' && leadsTo(target, lastAction))
    return failureOf(name, lastAction)
  if (pendingTarget === 'Archived')
    return target === 'Archived' ? null : unexpectedStatus(target, name, status)
  if (isFailure(status) && target === 'Running') return checkFailureOf(name, status, info)
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

/** The error for an action that did not succeed, with the reason. */
function failureOf(name: string, action: ActionSummary): CliError {
  const explanation = explainAction(action)
  const { action_id: id, state } = action
  const subject = subjectOf(action)
  const isCancelled = state === 'cancelled' || state === 'superseded'
  const message = explanation?.message ?? `${subject} did not succeed.`
  const isOwnSentence = message.startsWith(subject)
  return explainedError(
    isCancelled ? 'cancelled' : 'failed',
    isOwnSentence ? message : `${subject} failed: ${message}`,
    explanation,
    isCancelled ? null : nextSteps(name, id, explanation),
  )
}

/** The error for a deployment whose check did not succeed. */
function checkFailureOf(name: string, status: Status, info: FullInfoWithCheck): CliError {
  const explanation = explainCheck(info.last_check)
  return explainedError(
    'failed',
    explanation === null
      ? `Deployment ${name} is ${status}: its check script failed.`
      : `Deployment ${name} is ${status}. ${explanation.message}`,
    explanation,
    `See octo info -n ${name} and the output of its last action.`,
  )
}

function explainedError(
  kind: CliErrorKind,
  message: string,
  explanation: Explanation | null,
  remedy: string | null,
): CliError {
  const error = new CliError(kind, message, remedy)
  error.details = explanation === null ? [] : explanationLines(explanation)
  return error
}

function nextSteps(name: string, actionId: number, explanation: Explanation | null): string {
  return explanation?.isOutputHidden
    ? `Its output needs another credential: ask an operator. Try again: octo retry -n ${name}`
    : `See its output: octo logs -a ${actionId}. Try again: octo retry -n ${name}`
}

const leadsTo = (target: TargetState, action: ActionSummary) =>
  targetStates[kindFromWireName(action.action)] === target

/** A later action is running; it may lead to the same state. */
function otherActionRunning(target: TargetState, name: string, lastAction: ActionSummary): CliError | null {
  if (leadsTo(target, lastAction)) return null
  return new CliError(
    'failed',
    `Deployment ${name} will not be ${target}: ${actorLabel(lastAction)} started ${kindFromWireName(lastAction.action)} (action ${lastAction.action_id}).`,
  )
}

function unexpectedStatus(target: TargetState, name: string, status: Status): CliError {
  return new CliError('failed', `Deployment ${name} is ${status}, not ${target}.`)
}
