/** The words for statuses, actions, times: one place, so that every screen says the same. Pure. */
import { type ActionKind, type ActionState, isActive, kindFromWireName } from '../domain/actions.ts'
import type { ActionSummary, FullInfo, LastAction } from '../domain/schemas.ts'
import { fromRecordedStatus, type Status } from '../domain/statuses.ts'

/** A colour and a shape each: nobody has to tell them by colour alone. */
export type Tone = 'good' | 'busy' | 'partial' | 'bad' | 'away'

export type StatusLabel = { label: string; tone: Tone }

const statusLabels: Record<Status, StatusLabel> = {
  Running: { label: 'Running', tone: 'good' },
  GenericFailure: { label: 'Failing', tone: 'bad' },
  PartialAvailability: { label: 'Partly available', tone: 'partial' },
  TagMismatch: { label: 'Wrong image tag', tone: 'partial' },
  CreatePending: { label: 'Creating', tone: 'busy' },
  UpdatePending: { label: 'Updating', tone: 'busy' },
  ArchivePending: { label: 'Archiving', tone: 'busy' },
  Archived: { label: 'Archived', tone: 'away' },
  CleanupFailed: { label: 'Cleanup failed', tone: 'bad' },
}

/** What is being done, what to press. */
export const actionVerbs: Record<ActionKind, { doing: string; verb: string }> = {
  create: { doing: 'Creating', verb: 'Create' },
  update: { doing: 'Updating', verb: 'Update' },
  archive: { doing: 'Archiving', verb: 'Archive' },
  restore: { doing: 'Restoring', verb: 'Restore' },
  cleanup: { doing: 'Cleaning up', verb: 'Clean up' },
}

/** Where the state's own name is not the word for it. */
export const stateLabels = {
  queued: 'waiting to start',
  timed_out: 'ran out of time',
} as const satisfies Partial<Record<ActionState, string>>

export const statusOf = (info: FullInfo): Status => fromRecordedStatus(info.status.recorded_status as never)

export const isArchived = (info: FullInfo): boolean => {
  const status = statusOf(info)
  return status === 'Archived' || status === 'CleanupFailed'
}

/** The action that is queued or running now. */
export function activeAction({ last_action }: FullInfo): LastAction | null {
  return last_action !== null && isActive(last_action.state) ? last_action : null
}

/** The status as people should read it: what runs now comes first, and nothing is said to be done when nobody does it. */
export function statusLabel(info: FullInfo): StatusLabel {
  const active = activeAction(info)
  if (active !== null) {
    return { label: actionVerbs[kindFromWireName(active.action)].doing, tone: 'busy' }
  }
  const status = statusOf(info)
  if (status === 'ArchivePending' && lastActionFailed(info)) return { label: 'Archive failed', tone: 'bad' }
  if (status === 'CreatePending' && info.last_action?.action === 'RestoreAction') {
    return { ...statusLabels[status], label: actionVerbs.restore.doing }
  }
  return statusLabels[status]
}

/** Its last action ended, and not well. */
const lastActionFailed = ({ last_action }: FullInfo) =>
  last_action !== null && last_action.state !== 'succeeded'

export function actionTone({ state }: ActionSummary): Tone {
  if (isActive(state)) return 'busy'
  if (state === 'succeeded') return 'good'
  return state === 'cancelled' ? 'away' : 'bad'
}

/** How an action ended: `failed (exit 1)`, `succeeded`. */
export function actionOutcomeLabel({ state, exit_code, signal }: ActionSummary): string {
  if (state !== 'failed') return stateLabels[state as keyof typeof stateLabels] ?? state
  if (exit_code !== null && exit_code !== 0) return `failed (exit ${exit_code})`
  return signal === null ? 'failed' : `failed (${signal})`
}

/** The second line of a status: why it is so, or what is waited for; null when there is nothing to add. */
export function statusReason(info: FullInfo): string | null {
  const active = activeAction(info)
  if (active !== null) {
    if (active.cancel_requested_at !== null) return 'being cancelled'
    return active.state === 'queued' ? stateLabels.queued : null
  }
  const { last_action } = info
  if (last_action !== null && lastActionFailed(info)) {
    const outcome = `${kindFromWireName(last_action.action)} ${actionOutcomeLabel(last_action)}`
    const label = statusLabel(info).label.toLowerCase()
    // Where the status says as much, only what it does not say.
    return outcome.startsWith(label) ? (/\((.*)\)/.exec(outcome)?.[1] ?? null) : outcome
  }
  const status = statusOf(info)
  if (status === 'ArchivePending') return 'until the check says it is gone'
  if (status === 'CreatePending' || status === 'UpdatePending') return 'until the check says it is up'
  return isArchived(info) || status === 'Running' ? null : 'the check says so'
}

/** Milliseconds from start to end; null where it had none. */
export function durationMs({ started_at, finished_at }: ActionSummary): number | null {
  return started_at === null || finished_at === null ? null : Date.parse(finished_at) - Date.parse(started_at)
}

/** Milliseconds of something that lasts: `0:07`, `12:30`, `1:02:03`. */
export function formatElapsed(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000))
  const two = (value: number) => String(value).padStart(2, '0')
  const hours = Math.floor(seconds / 3600)
  const minutes = Math.floor((seconds % 3600) / 60)
  return hours > 0 ? `${hours}:${two(minutes)}:${two(seconds % 60)}` : `${minutes}:${two(seconds % 60)}`
}

/** How long something took: `0.4 s`, `12 s`, `3 min 5 s`, `2 h 10 min`. */
export function formatDuration(ms: number): string {
  if (ms < 9_950) return `${(Math.max(0, ms) / 1000).toFixed(1)} s`
  const seconds = Math.round(ms / 1000)
  if (seconds < 60) return `${seconds} s`
  const minutes = Math.floor(seconds / 60)
  return minutes < 60
    ? `${minutes} min ${seconds % 60} s`
    : `${Math.floor(minutes / 60)} h ${minutes % 60} min`
}

/** How long ago: `just now`, `4 min ago`, `3 h ago`, `yesterday`, `5 days ago`, then the day itself. */
export function formatRelative(then: number, now: number): string {
  const minutes = Math.floor((now - then) / 60_000)
  if (minutes < 1) return 'just now'
  if (minutes < 60) return `${minutes} min ago`
  const hours = Math.floor(minutes / 60)
  if (hours < 24) return `${hours} h ago`
  const days = Math.floor(hours / 24)
  if (days === 1) return 'yesterday'
  if (days < 14) return `${days} days ago`
  return new Date(then).toLocaleDateString(undefined, { day: 'numeric', month: 'short', year: 'numeric' })
}

/** `1 override`, `2 overrides`. */
export const pluralize = (number: number, one: string, many = `${one}s`): string =>
  `${number.toLocaleString()} ${number === 1 ? one : many}`
