/**
 * I1: two script trees of one deployment are never alive at the same time. Known from the lock of the
 * deployment, which every process of a script holds, and from the times at which processes were seen.
 */
import { type History, type ScriptRun, toleranceMs, type Violation } from './history.ts'

export function checkOverlap(history: History): Violation[] {
  const withoutLock = history.runs
    .filter((run) => !run.gotLock)
    .map((run) => violation(`${describeRun(run)} started while a process of an earlier script held the lock`))
  const overlapping = [...Map.groupBy(history.runs, ({ deployment }) => deployment).values()].flatMap(
    (runs) => {
      const inOrder = runs.toSorted((one, other) => one.atMs - other.atMs)
      return inOrder.flatMap((run, at) => {
        const last = lastAliveMs(history, run)
        return inOrder
          .slice(at + 1)
          .filter((next) => next.atMs + toleranceMs < last)
          .map((next) =>
            violation(
              `${describeRun(next)} started at ${next.atMs} ms, ${describeRun(run)} was alive until ${last} ms`,
            ),
          )
      })
    },
  )
  return [...withoutLock, ...overlapping]
}

export function lastAliveMs({ ends, sightings }: History, run: ScriptRun): number {
  const isSameRun = (other: { action: number; fencingToken: number }) =>
    other.action === run.action && other.fencingToken === run.fencingToken
  return Math.max(run.atMs, ...[...ends, ...sightings].filter(isSameRun).map(({ atMs }) => atMs))
}

const describeRun = ({ deployment, action, fencingToken, pid }: ScriptRun) =>
  `the script of ${deployment} for action ${action} (fencing token ${fencingToken}, process ${pid})`
const violation = (message: string): Violation => ({ invariant: 'I1', message })
