/** I2: what is on record as succeeded has happened: its script ran, under that epoch, and came to its own end before. */
import {
  type History,
  isActive,
  type RowChange,
  rigName,
  rowChanges,
  toleranceMs,
  type Violation,
} from './history.ts'

export function checkSuccesses(history: History): Violation[] {
  return rowChanges(history)
    .filter(isSuccess)
    .flatMap((change) => wrongSuccess(history, change))
}

/** A cleanup that succeeds leaves no row: it deletes its own, which was still active. */
function isSuccess({ by, before, after }: RowChange): boolean {
  if (before === null || !isActive(before.state)) return false
  return after === null ? before.kind === 'cleanup' && by !== rigName : after.state === 'succeeded'
}

function wrongSuccess(
  { runs, ends, ownEnds }: History,
  { action, atMs, before, after }: RowChange,
): Violation[] {
  const epoch = (after ?? before)?.epoch
  const same = (one: { action: number; fence: number }) => one.action === action && one.fence === epoch
  const name = `action ${action} (epoch ${epoch}) is on record as succeeded`
  if (!runs.some(same)) return [violation(`${name}, its script never ran`)]
  const end = ends.find(same) ?? ownEnds.find(same)
  if (end === undefined) return [violation(`${name}, its script never came to its end`)]
  if (end.atMs > atMs + toleranceMs)
    return [violation(`${name} at ${atMs} ms, its script came to its end at ${end.atMs} ms`)]
  return []
}

const violation = (words: string): Violation => ({ invariant: 'I2', words })
