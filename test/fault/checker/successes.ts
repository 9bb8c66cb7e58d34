/** I2: what is on record as succeeded has happened: its script ran, under that epoch, and came to its own end before. */
import { type History, type RowChange, rowChanges, toleranceMs, type Violation } from './history.ts'

export function checkSuccesses(history: History): Violation[] {
  return rowChanges(history)
    .filter(({ before, after }) => before?.state !== 'succeeded' && after?.state === 'succeeded')
    .flatMap((change) => checkSuccess(history, change))
}

function checkSuccess({ runs, ends, ownEnds }: History, { action, atMs, after }: RowChange): Violation[] {
  const epoch = after?.fencingToken
  const same = (one: { action: number; fencingToken: number }) =>
    one.action === action && one.fencingToken === epoch
  const name = `action ${action} (epoch ${epoch}) is on record as succeeded`
  if (!runs.some(same)) return [violation(`${name}, its script never ran`)]
  const end = ends.find(same) ?? ownEnds.find(same)
  if (end === undefined) return [violation(`${name}, its script never came to its end`)]
  if (end.atMs > atMs + toleranceMs)
    return [violation(`${name} at ${atMs} ms, its script came to its end at ${end.atMs} ms`)]
  return []
}

const violation = (words: string): Violation => ({ invariant: 'I2', message: words })
