/**
 * I3: every script run is recorded in the database before it starts, and every repetition is a visible
 * attempt. One run for each action, one action for each key; a further attempt only where retries are
 * allowed, only after an interrupted one, at most three.
 */
import {
  type History,
  maxAttempts,
  type RowChange,
  rowChanges,
  type ScriptRun,
  toleranceMs,
  type Violation,
} from './history.ts'

export function checkAttempts(history: History): Violation[] {
  const byAction = Map.groupBy(rowChanges(history), ({ action }) => action)
  return [
    ...[...Map.groupBy(history.runs, ({ action }) => action)].flatMap(([action, runs]) =>
      runs.length > 1 ? [violation(`action ${action} ran ${runs.length} times`)] : [],
    ),
    ...history.runs.flatMap((run) => checkStartRecord(run, byAction.get(run.action) ?? [])),
    ...checkKeys(history, byAction),
    ...checkRetries(history, byAction),
  ]
}

function checkStartRecord(run: ScriptRun, changes: RowChange[]): Violation[] {
  const start = changes.find(({ before, after }) => before?.state === 'queued' && after?.state === 'running')
  const name = `the script of action ${run.action} (fencing token ${run.fencingToken})`
  if (start === undefined) return [violation(`${name} ran without a recorded start`)]
  if (run.atMs + toleranceMs < start.atMs)
    return [
      violation(`${name} started at ${run.atMs} ms, before its start was committed at ${start.atMs} ms`),
    ]
  if (start.after?.attempt !== run.attempt)
    return [violation(`${name} received attempt ${run.attempt}, recorded is ${start.after?.attempt}`)]
  if (start.after?.fencingToken !== run.fencingToken)
    return [violation(`${name} was started, recorded is fencing token ${start.after?.fencingToken}`)]
  return []
}

function checkKeys(history: History, byAction: Map<number, RowChange[]>): Violation[] {
  const created = [...byAction].flatMap(([action, [first]]) => {
    const reason = first?.after?.attempt === 1 ? first.after.reason : null
    return reason === null ? [] : [{ action, reason }]
  })
  const byReason = Map.groupBy(created, ({ reason }) => reason)
  return history.requests.flatMap(({ key, kind, deployment, responses }) => {
    const reported = responses.flatMap((response) =>
      response.outcome === 'accepted' ? [response.action] : [],
    )
    const actions = new Set([...reported, ...(byReason.get(key) ?? []).map(({ action }) => action)])
    const name = `the key ${key} (${kind} of ${deployment})`
    const foreign = reported.find((action) => (byAction.get(action)?.[0]?.after?.reason ?? key) !== key)
    if (foreign !== undefined)
      return [violation(`${name} was answered with action ${foreign} of another key`)]
    return actions.size <= 1 ? [] : [violation(`${name} created the actions ${[...actions].join(' and ')}`)]
  })
}

function checkRetries({ retriesAllowed }: History, byAction: Map<number, RowChange[]>): Violation[] {
  const retried = new Set<number>()
  return [...byAction].flatMap(([action, changes]) => {
    const row = changes[0]?.after
    if (!row || row.attempt === 1) return []
    const name = `action ${action} is attempt ${row.attempt}`
    const original = Number(/Retry of action (\d+)/.exec(row.reason ?? '')?.[1])
    const before = byAction.get(original)?.findLast(({ after }) => after !== null)?.after
    const isSecondRetry = retried.has(original)
    retried.add(original)
    if (!retriesAllowed) return [violation(`${name}, but retries are not allowed`)]
    if (row.attempt > maxAttempts) return [violation(`${name}, at most ${maxAttempts} are allowed`)]
    if (before?.state !== 'interrupted' || before.attempt !== row.attempt - 1)
      return [violation(`${name}, but no action was interrupted before it`)]
    return isSecondRetry ? [violation(`${name}, and another retry of action ${original} exists`)] : []
  })
}

const violation = (message: string): Violation => ({ invariant: 'I3', message })
