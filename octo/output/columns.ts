/** The columns of deployments and actions in tables, and their texts in a single line. Called by the commands. */

import { durationMs, lastActionLeftDoubt, lastOutcome, statusOf } from '../../client/action-outcome.ts'
import { hasEnded, kindFromWireName } from '../../domain/actions.ts'
import type { Action, ActionSummary, FullInfo } from '../../domain/schemas.ts'
import { isPending, statusTable } from '../../domain/statuses.ts'
import type { Snapshot } from '../actions/wait-outcome.ts'
import { actorLabel } from './actor-label.ts'
import { explainCheck } from './explanation.ts'
import type { RecordView } from './formatter.ts'
import { labelsText, ownerName } from './identity.ts'
import { formatTimestamp } from './table.ts'

export const deploymentView: RecordView<FullInfo> = {
  name: ({ deployment }) => deployment.name,
  columns: {
    NAME: ({ deployment }) => deployment.name,
    STATUS: statusLabel,
    'LAST ACTION': ({ last_action }) => (last_action === null ? '' : actionLabel(last_action)),
    WHO: ({ last_action }) => (last_action === null ? '' : actorLabel(last_action)),
    OWNER: ownerName,
    LABELS: labelsText,
    UPDATED: ({ updated_at }) => formatTimestamp(updated_at),
    LINK: ({ metadata }) => metadata[0]?.link ?? '',
  },
}

/** What a person looks for in a terminal: short, with ages instead of times. */
export const listView: RecordView<FullInfo> = {
  name: deploymentView.name,
  columns: {
    NAME: deploymentView.name,
    STATUS: statusLabel,
    UPDATED: ({ updated_at }) => ageOf(updated_at),
    AGE: ({ created_at }) => ageOf(created_at),
    OWNER: ownerName,
    LINK: ({ metadata }) => metadata[0]?.link ?? '',
  },
}

/** How long ago, in the largest unit: 40s, 12m, 3h, 5d. */
export function ageOf(iso: string, nowMs = Date.now()): string {
  const seconds = Math.max(0, Math.floor((nowMs - Date.parse(iso)) / 1000))
  if (seconds < 60) return `${seconds}s`
  if (seconds < 3600) return `${Math.floor(seconds / 60)}m`
  return seconds < 86_400 ? `${Math.floor(seconds / 3600)}h` : `${Math.floor(seconds / 86_400)}d`
}

export const actionView: RecordView<Action> = {
  name: ({ action_id }) => String(action_id),
  columns: {
    ID: ({ action_id }) => String(action_id),
    ACTION: ({ action }) => kindFromWireName(action),
    STATE: ({ state, attempt }) => (attempt > 1 ? `${state} (attempt ${attempt})` : state),
    CREATED: ({ created_at }) => formatTimestamp(created_at),
    DURATION: actionDuration,
    EXIT: ({ exit_code, signal }) => (exit_code === null ? (signal ?? '') : String(exit_code)),
    WHO: actorLabel,
    SOURCE: ({ source }) => source,
    NOTE: actionNote,
  },
}

/** The status, with a mark while an action is running, and with the last action when a running deployment has a failed one. */
export function statusLabel(info: FullInfo): string {
  return statusWith([], info)
}

/** The same with the word of the page, where that is another one: `GenericFailure (Failing)`. */
export function statusWithPageWord(info: FullInfo): string {
  const status = statusOf(info)
  const { label } = statusTable[status]
  return statusWith(label === status ? [] : [label], info)
}

function statusWith(words: readonly string[], info: FullInfo): string {
  const status = statusOf(info)
  const isBusy = info.status.tag === 'DeploymentPending'
  const inBrackets = isBusy ? [...words, 'pending'] : words
  const label = inBrackets.length === 0 ? status : `${status} (${inBrackets.join(', ')})`
  const isLeftInDoubt = status === 'Running' && !isBusy && lastActionLeftDoubt(info)
  return isLeftInDoubt ? `${label}, last ${lastOutcome(info)}` : label
}

/** The reason that the user gave, who cancelled the action, and why it failed. */
export function actionNote({ reason, error, cancelled_by: cancelledBy }: Action): string {
  return [reason, cancelledBy === null ? null : `cancelled by ${cancelledBy}`, error]
    .filter((text) => text !== null)
    .join(' · ')
}

export const actionLabel = ({ action, action_id, state }: ActionSummary) =>
  `${kindFromWireName(action)} ${action_id} ${state}`

export function actionDuration(action: ActionSummary): string {
  const tookMs = durationMs(action)
  return tookMs === null ? '' : `${(tookMs / 1000).toFixed(1)} s`
}

/** The state of a deployment that a command waits for, in one line. */
export function describeState({ name, info, action }: Snapshot): string {
  if (info === null) return `${name}: gone`
  const status = statusOf(info)
  const lastAction = action ?? info.last_action
  if (lastAction !== null && !hasEnded(lastAction.state)) {
    const cancelling = lastAction.cancel_requested_at === null ? '' : ', cancelling'
    return `${name}: ${status}, action ${lastAction.action_id} is ${lastAction.state}${cancelling}`
  }
  if (!isPending(status)) return `${name}: ${statusLabel(info)}`
  const { waits_until: until } = info
  const check = explainCheck(info.last_check)
  const words = check?.hint ?? check?.output.at(-1) ?? check?.message
  const deadline = until ? ` until ${formatTimestamp(until)}` : ''
  return `${name}: ${status}, waiting for the check${deadline}${words === undefined ? '' : ` (${words})`}`
}
