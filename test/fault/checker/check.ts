/**
 * Checks the invariants over the history of one fault test. Called by the harness when the cluster is quiet.
 * Pure functions.
 */
import { checkAttempts } from './attempts.ts'
import { checkAudit } from './audit.ts'
import { checkCompletion } from './completion.ts'
import { checkFencing } from './fencing.ts'
import type { History, Invariant, Violation } from './history.ts'
import { checkLeases } from './leases.ts'
import { checkOverlap } from './overlap.ts'
import { checkPages } from './pages.ts'
import { checkSessions } from './sessions.ts'
import { checkSuccesses } from './successes.ts'

/** How a violated invariant is named in reports. */
export const invariants: Record<Invariant, string> = {
  I1: 'two script trees of one deployment overlap',
  I2: 'an accepted action never ends',
  I3: 'a second run without a visible attempt',
  I4: 'a write with a stale fencing token is accepted',
  I5: 'a client misses state or sees it out of order',
  I6: 'a script process outlives its lease',
  I7: 'a session counts after its end, for somebody else, or not at all',
  I8: 'the audit log misses or repeats something, or its chain breaks',
}

export function check(history: History): Violation[] {
  return [
    checkOverlap,
    checkCompletion,
    checkSuccesses,
    checkAttempts,
    checkFencing,
    checkPages,
    checkLeases,
    checkSessions,
    checkAudit,
  ].flatMap((checkInvariant) => checkInvariant(history))
}
