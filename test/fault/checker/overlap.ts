/** I1: two script trees of one deployment never live at the same time. Told by the lock, and by who was seen when. */
import { type History, type Run, toleranceMs, type Violation } from './history.ts'

export function checkOverlap(history: History): Violation[] {
  const crowded = history.runs
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
              `${describeRun(next)} started at ${next.atMs} ms, ${describeRun(run)} lived until ${last} ms`,
            ),
          )
      })
    },
  )
  return [...crowded, ...overlapping]
}

function lastAliveMs({ ends, sightings }: History, run: Run): number {
  const same = (other: { action: number; fencingToken: number }) =>
    other.action === run.action && other.fencingToken === run.fencingToken
  return Math.max(run.atMs, ...[...ends, ...sightings].filter(same).map(({ atMs }) => atMs))
}

const describeRun = ({ deployment, action, fencingToken, pid }: Run) =>
  `the script of ${deployment} for action ${action} (fence ${fencingToken}, process ${pid})`
const violation = (words: string): Violation => ({ invariant: 'I1', message: words })
