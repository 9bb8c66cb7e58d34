/** How long an action usually takes, from those that went well before. Pure. */
import type { Action, ActionSummary } from '../domain/shapes.ts'

/** So many of the newest are looked at: scripts change. */
const newest = 9

/** Milliseconds: the median of the same kind; null when there was none yet. */
export function usualMs(
  actions: readonly Action[],
  { action }: Pick<ActionSummary, 'action'>,
): number | null {
  const times = actions
    .filter((one) => one.action === action && one.state === 'succeeded')
    .slice(0, newest)
    .map(durationMs)
    .filter((time) => time !== null)
    .sort((a, b) => a - b)
  return times[times.length >> 1] ?? null
}

/** Milliseconds from start to end; null where it had none. */
export function durationMs({ started_at, finished_at }: ActionSummary): number | null {
  return started_at === null || finished_at === null ? null : Date.parse(finished_at) - Date.parse(started_at)
}
