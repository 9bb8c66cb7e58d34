/**
 * Claims the waiting action whose turn it is. The database orders the next ones, and they are claimed in this order as
 * long as it is recent: many short actions do not order them each time. Used by action-worker.ts.
 */
import { type ClaimedAction, claimFirst } from '../../db/queries/action-lifecycle.ts'
import { findNextActions, type ServedCaller } from '../../db/queries/claim-order.ts'
import type { RunnerContext } from '../context.ts'

export type ClaimByTurn = {
  /** Returns null when no action waits. */
  claim(): Promise<ClaimedAction | null>
  /** Must be called for every claimed action: its caller has had its turn. */
  claimed(caller: ServedCaller): void
}

const maxCandidates = 32
const maxAgeMs = 250
/** A caller that is not remembered is served in the order of acceptance. */
const maxCallers = 100

export function createClaimByTurn({ db, runnerName, settings }: RunnerContext): ClaimByTurn {
  const served = new Map<string, ServedCaller>()
  let candidates: readonly number[] = []
  let orderedAtMs = Number.NEGATIVE_INFINITY

  const order = async () => {
    orderedAtMs = performance.now()
    candidates = await findNextActions(db, maxCandidates, [...served.values()])
  }
  const claimCandidate = async () => {
    const ids = candidates
    const action = await claimFirst(db, ids, runnerName, settings.LEASE)
    const place = action === null ? ids.length : ids.indexOf(action.actionId)
    // Other runners have claimed those before it.
    if (candidates === ids) candidates = ids.slice(place + 1)
    return action
  }
  return {
    async claim() {
      if (candidates.length > 0 && performance.now() - orderedAtMs < maxAgeMs) {
        const action = await claimCandidate()
        if (action !== null) return action
      }
      await order()
      return candidates.length === 0 ? null : claimCandidate()
    },
    claimed({ actor, source, claimedAtMs }) {
      const name = JSON.stringify([actor, source])
      // Moves it to the end.
      served.delete(name)
      served.set(name, { actor, source, claimedAtMs })
      const [oldest] = served.keys()
      if (served.size > maxCallers && oldest !== undefined) served.delete(oldest)
    },
  }
}
