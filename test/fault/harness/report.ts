/** What is said about a run: its seed, and every violation by its invariant. */
import { invariants } from '../checker/check.ts'
import type { History, Violation } from '../checker/history.ts'

/** Of one violation, in letters: what was printed can be a gigabyte. */
const maxViolationLength = 400

export const chooseSeed = (): number => Number(process.env.SEED ?? Date.now() % 1_000_000)

/** Empty when nothing is violated. */
export function formatViolations(violations: readonly Violation[], seed: number, most = 20): string {
  if (violations.length === 0) return ''
  const lines = violations
    .slice(0, most)
    .map(
      ({ invariant, message }) =>
        `${invariant} (${invariants[invariant]}): ${message.slice(0, maxViolationLength)}`,
    )
  const more = violations.length > most ? [`and ${violations.length - most} more`] : []
  return [`violated, seed ${seed}:`, ...lines, ...more].join('\n')
}

/** Where everything is refused no invariant breaks: fails when fewer were accepted, or fewer scripts ran. */
export function assertWorkDone({ requests, runs }: History, atLeast: number): void {
  const accepted = requests.filter(({ responses }) => responses.some(({ outcome }) => outcome === 'accepted')).length
  if (Math.min(accepted, runs.length) < atLeast)
    throw new Error(
      `${accepted} requests were accepted and ${runs.length} scripts ran, wanted are ${atLeast}`,
    )
}

/** For a test: fails with the report. */
export function assertNoViolations(violations: readonly Violation[], seed: number): void {
  const words = formatViolations(violations, seed)
  if (words !== '') throw new Error(words)
}
