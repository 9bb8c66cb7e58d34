/**
 * I2: what was accepted is there and ends; what was refused for good has not happened behind the asker's back; no deployment waits
 * for something that never comes.
 */
import {
  type Asked,
  checkPatienceMs,
  type History,
  isActive,
  type RowChange,
  rowChanges,
  type Violation,
} from './history.ts'

export function checkEnds(history: History): Violation[] {
  const byAction = Map.groupBy(rowChanges(history), ({ action }) => action)
  const unended = [...byAction]
    .filter(([, changes]) => !hasEnded(changes))
    .map(([action, changes]) => violation(`action ${action} is still ${changes.at(-1)?.after?.state}`))

  const begunFor = new Set(
    [...byAction.values()].flatMap(([first]) => (first?.after?.reason ? [first.after.reason] : [])),
  )
  const unkept = history.asked.flatMap((asked) => {
    const accepted = asked.answers.filter((answer) => answer.is === 'accepted')
    const lost = accepted
      .filter(({ action }) => !byAction.has(action))
      .map(({ action }) =>
        violation(`${said(asked)} was accepted as action ${action}, which there never was`),
      )
    if (accepted.length > 0) return lost
    const refusal = asked.answers.find((answer) => answer.is === 'refused')
    if (refusal !== undefined && begunFor.has(asked.key))
      return [violation(`${said(asked)} was refused (${refusal.code}) and begun all the same`)]
    if (refusal === undefined)
      return [violation(`${said(asked)} never got an answer that says what became of it`)]
    return []
  })
  return [...unended, ...unkept, ...stuck(history)]
}

function stuck({ pending }: History): Violation[] {
  return pending
    .filter(({ active, overdueMs }) => !active && (overdueMs === null || overdueMs > checkPatienceMs))
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

const said = ({ kind, deployment, key }: Asked) => `the ${kind} of ${deployment} with the key ${key}`
const violation = (words: string): Violation => ({ invariant: 'I2', words })
