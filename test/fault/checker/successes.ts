/** I2: for every success in the database a script ran with that fencing token and reached its end before. */
import { type History, type RowChange, rowChanges, toleranceMs, type Violation } from './history.ts'

export function checkSuccesses(history: History): Violation[] {
  return rowChanges(history)
    .filter(({ before, after }) => before?.state !== 'succeeded' && after?.state === 'succeeded')
    .flatMap((change) => checkSuccess(history, change))
}

function checkSuccess({ runs, ends, ownEnds }: History, { action, atMs, after }: RowChange): Violation[] {
  const fencingToken = after?.fencingToken
  const isSameRun = (one: { action: number; fencingToken: number }) =>
    one.action === action && one.fencingToken === fencingToken
  const name = `action ${action} (fencing token ${fencingToken}) is recorded as succeeded`
  if (!runs.some(isSameRun)) return [violation(`${name}, but its script never ran`)]
  const end = ends.find(isSameRun) ?? ownEnds.find(isSameRun)
  if (end === undefined) return [violation(`${name}, but its script never reached its end`)]
  if (end.atMs > atMs + toleranceMs)
    return [violation(`${name} at ${atMs} ms, but its script ended at ${end.atMs} ms`)]
  return []
}

const violation = (message: string): Violation => ({ invariant: 'I2', message })
