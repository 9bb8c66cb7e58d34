/**
 * I3: every run is on record before it begins, and none is a repetition that nobody sees: one script an action, one action
 * a key, a further attempt only after one that ended as interrupted, once, where that is allowed, three at most.
 */
import {
  type History,
  maxAttempts,
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
    ...checkRetries(history, byAction),
  ]
}

function checkRecord(run: Run, changes: RowChange[]): Violation[] {
  const started = changes.find(
    ({ before, after }) => before?.state === 'queued' && after?.state === 'running',
  )
  const name = `the script of action ${run.action} (fence ${run.fencingToken})`
  if (started === undefined) return [violation(`${name} ran without a start on record`)]
  if (run.atMs + toleranceMs < started.atMs)
    return [
      violation(`${name} began at ${run.atMs} ms, before its start was committed at ${started.atMs} ms`),
    ]
  if (started.after?.attempt !== run.attempt)
    return [violation(`${name} was told attempt ${run.attempt}, on record is ${started.after?.attempt}`)]
  if (started.after?.fencingToken !== run.fencingToken)
    return [violation(`${name} was started with epoch ${started.after?.fencingToken} on record`)]
  return []
}

function checkKeys(history: History, byAction: Map<number, RowChange[]>): Violation[] {
  const begun = [...byAction].flatMap(([action, [first]]) => {
    const reason = first?.after?.attempt === 1 ? first.after.reason : null
    return reason === null ? [] : [{ action, reason }]
  })
  const byReason = Map.groupBy(begun, ({ reason }) => reason)
  return history.requests.flatMap(({ key, kind, deployment, responses }) => {
    const told = responses.flatMap((answer) => (answer.outcome === 'accepted' ? [answer.action] : []))
    const all = new Set([...told, ...(byReason.get(key) ?? []).map(({ action }) => action)])
    const name = `the key ${key} (${kind} of ${deployment})`
    const strange = told.find((action) => (byAction.get(action)?.[0]?.after?.reason ?? key) !== key)
    if (strange !== undefined) return [violation(`${name} was told action ${strange}, which is another's`)]
    return all.size <= 1 ? [] : [violation(`${name} acted as ${[...all].join(' and ')}`)]
  })
}

function checkRetries({ retriesAllowed }: History, byAction: Map<number, RowChange[]>): Violation[] {
  const retried = new Set<number>()
  return [...byAction].flatMap(([action, changes]) => {
    const row = changes[0]?.after
    if (!row || row.attempt === 1) return []
    const name = `action ${action} is attempt ${row.attempt}`
    const of = Number(/Retry of action (\d+)/.exec(row.reason ?? '')?.[1])
    const before = byAction.get(of)?.findLast(({ after }) => after !== null)?.after
    const again = retried.has(of)
    retried.add(of)
    if (!retriesAllowed) return [violation(`${name}, and none may be repeated`)]
    if (row.attempt > maxAttempts) return [violation(`${name} of ${maxAttempts} at most`)]
    if (before?.state !== 'interrupted' || before.attempt !== row.attempt - 1)
      return [violation(`${name} of nothing that was interrupted`)]
    return again ? [violation(`${name}, and not the only one that follows action ${of}`)] : []
  })
}

const violation = (words: string): Violation => ({ invariant: 'I3', message: words })
