/**
 * Labels and tones of statuses and actions, shared by all pages. Pure functions; the table of statuses is in
 * domain/.
 */

import {
  activeAction,
  endedBadly,
  lastActionFailed,
  lastActionLeftDoubt,
  lastOutcome,
  stateLabel,
  stateLabels,
  statusOf,
} from '../../client/action-outcome.ts'
import {
  type ActionKind,
  actionKinds,
  hasEnded,
  isActive,
  kindFromWireName,
  toWireName,
} from '../../domain/actions.ts'
import type { ActionSummary, FullInfo, FullInfoWithCheck } from '../../domain/schemas.ts'
import { type Status, statuses, statusTable, type Tone } from '../../domain/statuses.ts'
import { toPlainText } from '../../lib/terminal/text.ts'
import { formatClock } from '../format.ts'

type LastCheck = NonNullable<FullInfoWithCheck['last_check']>
export type StatusLabel = { label: string; tone: Tone }

/** `inProgress`: the action in progress. `verb`: the button label. */
export const actionVerbs: Record<ActionKind, { inProgress: string; verb: string }> = {
  create: { inProgress: 'Creating', verb: 'Create' },
  update: { inProgress: 'Updating', verb: 'Update' },
  archive: { inProgress: 'Archiving', verb: 'Archive' },
  restore: { inProgress: 'Restoring', verb: 'Restore' },
  cleanup: { inProgress: 'Cleaning up', verb: 'Clean up' },
}

export const isArchived = (info: FullInfo): boolean => statusTable[statusOf(info)].isArchived

/**
 * The shown status. A running action has priority over the stored status; a pending status without an action
 * is not shown as work in progress.
 */
export function statusLabel(info: FullInfo): StatusLabel {
  const active = activeAction(info)
  if (active !== null) {
    // A newer server may run an action that this page does not know.
    const kind = actionKinds.find((known) => toWireName(known) === active.action)
    return { label: kind === undefined ? 'Working' : actionVerbs[kind].inProgress, tone: 'progress' }
  }
  const { label, tone, pendingTarget } = statusTable[statusOf(info)]
  if (tone === 'success' && lastActionLeftDoubt(info))
    return { label: `${label}, last ${lastOutcome(info)}`, tone: 'warning' }
  if (pendingTarget === 'Archived' && lastActionFailed(info)) return { label: archiveFailed, tone: 'error' }
  if (pendingTarget === 'Running' && info.last_action?.action === 'RestoreAction') {
    return { label: actionVerbs.restore.inProgress, tone }
  }
  return { label, tone }
}

/** A message of the server names statuses as the API does: `CreatePending` becomes `Creating`. */
export const inPageWords = (message: string): string =>
  message.replace(statusNames, (status) => statusTable[status as Status].label)

const statusNames = new RegExp(`\\b(?:${statuses.join('|')})\\b`, 'g')

const archiveFailed = 'Archive failed'

/** The status on the page of a deployment, whose panel says how the last action ended. */
export function pageStatus(info: FullInfo): StatusLabel {
  const shown = statusLabel(info)
  if (shown.label === archiveFailed) return { ...shown, label: 'Not archived' }
  return activeAction(info) === null && shown.tone === 'warning' && lastActionLeftDoubt(info)
    ? { label: statusTable[statusOf(info)].label, tone: statusTable[statusOf(info)].tone }
    : shown
}

/** True for a deployment that somebody should look at. Archived ones need nobody. */
export const needsAttention = (info: FullInfo): boolean =>
  !isArchived(info) && /error|warning/.test(statusLabel(info).tone)

export function actionTone({ state }: ActionSummary): Tone {
  if (!hasEnded(state)) return 'progress'
  if (endedBadly(state)) return 'error'
  return state === 'succeeded' ? 'success' : 'inactive'
}

/** The outcome of an action: `failed (exit code 1)`, `succeeded`. */
export function actionOutcomeLabel({ state, exit_code, signal }: ActionSummary): string {
  if (state !== 'failed') return stateLabel(state)
  if (exit_code !== null && exit_code !== 0) return `failed (exit code ${exit_code})`
  return signal === null ? 'failed' : `failed (ended by ${signal})`
}

/** Who requested the cancel of an action, and whether it took effect; null without a cancel. */
export function cancelNote({ state, cancelled_by }: ActionSummary): string | null {
  if (cancelled_by === null) return null
  if (state === 'cancelled') return `Cancelled by ${cancelled_by}`
  return isActive(state)
    ? `Being cancelled by ${cancelled_by}`
    : `The script ended before the cancel by ${cancelled_by} reached it.`
}

/** The second line of a status: its reason or what it waits for; null when there is nothing to add. */
export function statusReason(info: FullInfo): string | null {
  const active = activeAction(info)
  if (active !== null) {
    if (active.cancel_requested_at !== null) return 'Being cancelled'
    return active.state === 'queued' ? capitalize(stateLabels.queued) : null
  }
  const { last_action } = info
  if (last_action !== null && lastActionFailed(info)) {
    const outcome = `${kindFromWireName(last_action.action)} ${actionOutcomeLabel(last_action)}`
    const label = statusLabel(info).label.toLowerCase()
    // When the status label already says it, only the part in brackets.
    const isSaid = label.includes(lastOutcome(info) ?? '') || outcome.startsWith(label)
    return capitalize(isSaid ? (/\((.*)\)/.exec(outcome)?.[1] ?? '') : outcome) || null
  }
  return statusTable[statusOf(info)].hint
}

/**
 * The last check in words: `Health check passed`, `Health check failed: 503 from /health`, `Waiting for the health check
 * until 14:05: 503 from /health`.
 */
export function checkOutcome(check: LastCheck, status: Status, waitsUntil: string | null = null): string {
  const { exit_code, error, failure } = check
  const name = statusTable[status].pendingTarget === 'Archived' ? 'Archive check' : 'Health check'
  if (exit_code === 0 && error === null) return `${name} passed`
  const text = error === null ? '' : toPlainText(error).trim()
  // The words of the script say more than that it failed.
  const words =
    [failure?.hint, failure?.output].filter(Boolean).join('\n') ||
    /^The \S+ script failed with exit code \d+: (.+)$/s.exec(text)?.[1] ||
    ''
  const hasExitCode = exit_code !== null && exit_code !== 0
  const problem =
    words !== ''
      ? `failed: ${words}`
      : hasExitCode
        ? `failed with exit code ${exit_code}`
        : `could not run${text === '' ? '' : `: ${text}`}`
  return waitsUntil === null
    ? `${name} ${problem}`
    : `Waiting for the health check until ${formatClock(waitsUntil)}: ${words || `it ${problem}`}`
}

const capitalize = (text: string) => text.slice(0, 1).toUpperCase() + text.slice(1)
