/**
 * I3: every run is on record before it begins, and none is a repetition that nobody sees: one script an action, one action
 * a key, a further attempt only after one that ended as interrupted.
 */
import {
  type History,
  type Row,
  type RowChange,
  type Run,
  rowChanges,
  toleranceMs,
  type Violation,
} from './history.ts'

export function checkAttempts(history: History): Violation[] {
  const byAction = Map.groupBy(rowChanges(history), ({ action }) => action)
  return [
    ...[...Map.groupBy(history.runs, ({ action }) => action)].flatMap(([action, runs]) =>
      runs.length > 1 ? [violation(`action ${action} was run ${runs.length} times`)] : [],
    ),
    ...history.runs.flatMap((run) => checkRecord(run, byAction.get(run.action) ?? [])),
    ...checkKeys(history, byAction),
    ...checkRetries(byAction),
  ]
}

function checkRecord(run: Run, changes: RowChange[]): Violation[] {
  const started = changes.find(
    ({ before, after }) => before?.state === 'queued' && after?.state === 'running',
  )
  const name = `the script of action ${run.action} (fence ${run.fence})`
  if (started === undefined) return [violation(`${name} ran without a start on record`)]
  if (run.atMs + toleranceMs < started.atMs)
    return [
      violation(`${name} began at ${run.atMs} ms, before its start was committed at ${started.atMs} ms`),
    ]
  if (started.after?.attempt !== run.attempt)
    return [violation(`${name} was told attempt ${run.attempt}, on record is ${started.after?.attempt}`)]
  return []
}

function checkKeys(history: History, byAction: Map<number, RowChange[]>): Violation[] {
  const begun = [...byAction].flatMap(([action, [first]]) => {
    const reason = first?.after?.attempt === 1 ? first.after.reason : null
    return reason === null ? [] : [{ action, reason }]
  })
  const byReason = Map.groupBy(begun, ({ reason }) => reason)
  return history.asked.flatMap(({ key, kind, deployment, answers }) => {
    const told = answers.flatMap((answer) => (answer.is === 'accepted' ? [answer.action] : []))
    const all = new Set([...told, ...(byReason.get(key) ?? []).map(({ action }) => action)])
    if (all.size <= 1) return []
    return [violation(`the key ${key} (${kind} of ${deployment}) acted as ${[...all].join(' and ')}`)]
  })
}

function checkRetries(byAction: Map<number, RowChange[]>): Violation[] {
  return [...byAction].flatMap(([action, changes]) => {
    const row = changes[0]?.after
    if (!row || row.attempt === 1) return []
    const [, of] = /Retry of action (\d+)/.exec(row.reason ?? '') ?? []
    const before: Row | null | undefined = byAction
      .get(Number(of))
      ?.findLast(({ after }) => after !== null)?.after
    return before?.state === 'interrupted' && before.attempt === row.attempt - 1
      ? []
      : [violation(`action ${action} is attempt ${row.attempt} of nothing that was interrupted`)]
  })
}

const violation = (words: string): Violation => ({ invariant: 'I3', words })
