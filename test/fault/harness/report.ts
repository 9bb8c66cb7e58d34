/**
 * The report of a fault test: its seed and each violation with its invariant. Called by the tests and by
 * main.ts.
 */
import { invariants } from '../checker/check.ts'
import type { History, Violation } from '../checker/history.ts'

/** In characters: the compared outputs can be a gigabyte. */
const maxViolationLength = 400

export const chooseSeed = (): number => Number(process.env.SEED ?? Date.now() % 1_000_000)

/** An empty text when there is no violation. */
export function formatViolations(violations: readonly Violation[], seed: number, maxCount = 20): string {
  if (violations.length === 0) return ''
  const lines = violations
    .slice(0, maxCount)
    .map(
      ({ invariant, message }) =>
        `${invariant} (${invariants[invariant]}): ${message.slice(0, maxViolationLength)}`,
    )
  const more = violations.length > maxCount ? [`and ${violations.length - maxCount} more`] : []
  return [`violated, seed ${seed}:`, ...lines, ...more].join('\n')
}

/** Throws when too few requests were accepted or too few scripts ran: without work no invariant can be violated. */
export function assertWorkDone({ requests, runs }: History, atLeast: number): void {
  const accepted = requests.filter(({ responses }) =>
    responses.some(({ outcome }) => outcome === 'accepted'),
  ).length
  if (Math.min(accepted, runs.length) < atLeast)
    throw new Error(`${accepted} requests were accepted and ${runs.length} scripts ran, expected ${atLeast}`)
}

/** Throws the report when there is a violation. */
export function assertNoViolations(violations: readonly Violation[], seed: number): void {
  const report = formatViolations(violations, seed)
  if (report !== '') throw new Error(report)
}
