/** I8: each accepted action and each refusal of a known caller has exactly one entry in the audit log, and the chain verifies. */
import { type History, harnessName, type Violation } from './history.ts'

export function checkAudit({ audit, writes, refusedRequests }: History): Violation[] {
  if (audit === null) return []
  const accepted = writes.flatMap((write) =>
    write.type === 'row' && write.before === null && write.program !== harnessName ? [write.action] : [],
  )
  const messages = [
    ...missing(accepted, audit.actions).map((action) => `action ${action} has no entry`),
    ...repeated(audit.actions).map((action) => `action ${action} has several entries`),
    ...missing(audit.actions, accepted).map(
      (action) => `an entry names action ${action}, which was never accepted`,
    ),
    ...missing(refusedRequests, audit.refusals).map((id) => `the refused request ${id} has no entry`),
    ...repeated(audit.refusals).map((id) => `the refused request ${id} has several entries`),
    ...audit.problems.map((problem) => `the chain: ${problem}`),
  ]
  return messages.map((message) => ({ invariant: 'I8', message }))
}

function missing<T>(expected: readonly T[], found: readonly T[]): T[] {
  const all = new Set(found)
  return expected.filter((one) => !all.has(one))
}

function repeated<T>(all: readonly T[]): T[] {
  const counts = Map.groupBy(all, (one) => one)
  return [...counts].flatMap(([one, same]) => (same.length > 1 ? [one] : []))
}
