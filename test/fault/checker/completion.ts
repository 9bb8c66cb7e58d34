/**
 * I2: what was accepted is there and ends; what was refused for good has not happened behind the asker's back; no deployment waits
 * for something that never comes.
 */
import {
  checkTimeoutMs,
  type History,
  isActive,
  type RecordedRequest,
  type RowChange,
  rowChanges,
  type Violation,
} from './history.ts'

export function checkCompletion(history: History): Violation[] {
  const byAction = Map.groupBy(rowChanges(history), ({ action }) => action)
  const unfinished = [...byAction]
    .filter(([, changes]) => !hasEnded(changes))
    .map(([action, changes]) => violation(`action ${action} is still ${changes.at(-1)?.after?.state}`))

  const startedKeys = new Set(
    [...byAction.values()].flatMap(([first]) => (first?.after?.reason ? [first.after.reason] : [])),
  )
  const inconsistent = history.requests.flatMap((asked) => {
    const accepted = asked.responses.filter((answer) => answer.outcome === 'accepted')
    const lost = accepted
      .filter(({ action }) => !byAction.has(action))
      .map(({ action }) =>
        violation(`${describeRequest(asked)} was accepted as action ${action}, which there never was`),
      )
    if (accepted.length > 0) return lost
    const refusal = asked.responses.find((answer) => answer.outcome === 'rejected')
    if (refusal !== undefined && startedKeys.has(asked.key))
      return [violation(`${describeRequest(asked)} was refused (${refusal.code}) and begun all the same`)]
    if (refusal === undefined)
      return [violation(`${describeRequest(asked)} never got an answer that says what became of it`)]
    return []
  })
  return [...unfinished, ...inconsistent, ...stuck(history)]
}

function stuck({ pending }: History): Violation[] {
  return pending
    .filter(({ active, overdueMs }) => !active && (overdueMs === null || overdueMs > checkTimeoutMs))
    .map(({ deployment, status, overdueMs }) =>
      violation(
        `${deployment} is still ${status}, ${overdueMs === null ? 'and no check will come' : `its check is overdue for ${overdueMs} ms`}`,
      ),
    )
}

/** A cleanup that succeeds takes all rows of its deployment along. */
function hasEnded(changes: RowChange[]): boolean {
  const last = changes.at(-1)?.after
  return last === null || (last !== undefined && !isActive(last.state))
}

const describeRequest = ({ kind, deployment, key }: RecordedRequest) =>
  `the ${kind} of ${deployment} with the key ${key}`
const violation = (words: string): Violation => ({ invariant: 'I2', message: words })
