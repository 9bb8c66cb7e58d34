/** Says once how to end a wait for a check that keeps failing. Called by wait-and-follow.ts. */
import type { Progress } from '../output/progress.ts'
import type { Snapshot } from './wait-outcome.ts'

/** A deployment that starts fails its first checks too. */
const failingMs = 30_000

/** Returns what is called with every state. The times are those of the checks. */
export function createCheckHint(progress: Pick<Progress, 'note'>): (snapshot: Snapshot) => void {
  let failsSinceMs: number | null = null
  let isShown = false
  return ({ name, info }) => {
    const check = info?.last_check
    if (isShown) return
    if (!check?.failure?.remedies.includes('stop_waiting')) {
      failsSinceMs = null
      return
    }
    const checkedMs = Date.parse(check.checked_at)
    failsSinceMs ??= checkedMs
    if (checkedMs - failsSinceMs < failingMs) return
    isShown = true
    progress.note(`The check of ${name} keeps failing. Stop waiting for it: octo stop-waiting ${name}`)
  }
}
