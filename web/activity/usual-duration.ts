/** How long an action of a deployment usually takes. Pure; used by deployment-page.ts. */
import { durationMs } from '../../client/action-outcome.ts'
import type { ActionSummary } from '../../domain/schemas.ts'

/** With fewer earlier actions nothing is usual. */
const minActions = 3

/** The median duration of the earlier successful actions of the same kind; null when there are too few. */
export function usualDurationMs(action: ActionSummary, actions: readonly ActionSummary[]): number | null {
  const durations = actions
    .filter(
      ({ action_id, action: kind, state }) =>
        action_id < action.action_id && kind === action.action && state === 'succeeded',
    )
    .map(durationMs)
    .filter((ms) => ms !== null)
    .sort((a, b) => a - b)
  return durations.length < minActions ? null : (durations[Math.floor(durations.length / 2)] ?? null)
}
