/**
 * I2: an accepted action exists and ends, a rejected request has started no action, no request starts an action
 * after its last response, and no deployment waits for a check that never comes.
 */
import {
  checkTimeoutMs,
  type History,
  isEnd,
  lateActionMs,
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

  const startedAtByKey = new Map(
    [...byAction.values()].flatMap(([first]) =>
      first?.after?.reason ? [[first.after.reason, first.atMs] as const] : [],
    ),
  )
  const inconsistent = history.requests.flatMap((request) => {
    const name = describeRequest(request)
    const accepted = request.responses.filter((response) => response.outcome === 'accepted')
    const lost = accepted
      .filter(({ action }) => !byAction.has(action))
      .map(({ action }) => violation(`${name} was accepted as action ${action}, which does not exist`))
    if (accepted.length > 0) return lost
    const rejection = request.responses.find((response) => response.outcome === 'rejected')
    const startedAtMs = startedAtByKey.get(request.key)
    if (rejection !== undefined && startedAtMs !== undefined)
      return [violation(`${name} was rejected (${rejection.code}), but it started an action`)]
    const lateMs = (startedAtMs ?? 0) - (request.responses.at(-1)?.atMs ?? Number.POSITIVE_INFINITY)
    if (lateMs > lateActionMs)
      return [violation(`${name} started an action ${Math.round(lateMs)} ms after its last response`)]
    if (rejection === undefined && !request.isGivenUp)
      return [violation(`${name} never got a final response`)]
    return []
  })
  return [...unfinished, ...inconsistent, ...findStuckDeployments(history)]
}

function findStuckDeployments({ pendingDeployments }: History): Violation[] {
  return pendingDeployments
    .filter(
      ({ hasActiveAction, overdueMs }) =>
        !hasActiveAction && (overdueMs === null || overdueMs > checkTimeoutMs),
    )
    .map(({ deployment, status, overdueMs }) => {
      const reason = overdueMs === null ? 'no check is scheduled' : `its check is overdue by ${overdueMs} ms`
      return violation(`${deployment} is still ${status}, ${reason}`)
    })
}

/** A successful cleanup deletes all rows of its deployment. */
function hasEnded(changes: RowChange[]): boolean {
  const last = changes.at(-1)?.after
  return last === null || (last !== undefined && isEnd(last.state))
}

const describeRequest = ({ kind, deployment, key }: RecordedRequest) =>
  `the ${kind} of ${deployment} with the key ${key}`
const violation = (message: string): Violation => ({ invariant: 'I2', message })
