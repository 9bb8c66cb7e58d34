/**
 * What became of the last action of a deployment, in the words that page and octo share. Pure functions, used by
 * web/deployment/status-labels.ts and octo/output/columns.ts.
 */
import { type ActionState, hasEnded, isActive, kindFromWireName } from '../domain/actions.ts'
import type { ActionSummary, FullInfo, LastAction } from '../domain/schemas.ts'
import { fromRecordedStatus, type RecordedStatus, type Status } from '../domain/statuses.ts'

export const statusOf = (info: FullInfo): Status =>
  fromRecordedStatus(info.status.recorded_status as RecordedStatus)

/** The queued or running action. */
export const activeAction = ({ last_action: last }: FullInfo): LastAction | null =>
  last !== null && isActive(last.state) ? last : null

/** Labels of states whose name is not a good label. */
export const stateLabels = {
  waiting: 'waiting for another action',
  queued: 'waiting to start',
  superseded: 'replaced by a newer one',
  timed_out: 'timed out',
} as const satisfies Partial<Record<ActionState, string>>

export const stateLabel = (state: ActionState): string =>
  stateLabels[state as keyof typeof stateLabels] ?? state

/** `update failed`, `restore timed out`. Null without an action. */
export const lastOutcome = ({ last_action: last }: FullInfo): string | null =>
  last === null ? null : `${kindFromWireName(last.action)} ${stateLabel(last.state)}`

/** True when the last action ended without success, or has not ended. */
export const lastActionFailed = ({ last_action: last }: FullInfo): boolean =>
  last !== null && last.state !== 'succeeded'

/** The last action has ended, neither with success nor because somebody wanted that. The page's filter *Last action failed*. */
export const lastActionEndedBadly = ({ last_action: last }: FullInfo): boolean =>
  last !== null && endedBadly(last.state)

/** Cancelled and replaced actions ended as somebody wanted. */
export const endedBadly = (state: ActionState): boolean =>
  hasEnded(state) && !['succeeded', 'cancelled', 'superseded'].includes(state)

/** True when the last action changed something and ended without success: what runs may not be what was asked for. */
export const lastActionLeftDoubt = (info: FullInfo): boolean =>
  lastActionFailed(info) && !(info.last_action?.state === 'cancelled' && info.last_action.started_at === null)

/** How long the script ran; null before the start or the end. */
export function durationMs({ started_at, finished_at }: ActionSummary): number | null {
  return started_at === null || finished_at === null ? null : Date.parse(finished_at) - Date.parse(started_at)
}
