/** The invariants over the history of one run: pure, each in a file of its own. Called by the rig after the quiet time. */
import { checkAttempts } from './attempts.ts'
import { checkPages } from './clients.ts'
import { checkCompletion } from './completion.ts'
import { checkFencing } from './fencing.ts'
import type { History, Invariant, Violation } from './history.ts'
import { checkLeases } from './leases.ts'
import { checkOverlap } from './overlap.ts'
import { checkSuccesses } from './successes.ts'

export const invariants: Record<Invariant, string> = {
  I1: 'two script trees of one deployment overlap',
  I2: 'an accepted action never ends',
  I3: 'a second run without a visible attempt',
  I4: 'a write with a stale epoch is accepted',
  I5: 'a client misses or sees reordered state',
  I6: 'a script process lives after its lease',
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
  ].flatMap((one) => one(history))
}
