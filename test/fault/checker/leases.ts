/** I6: no process of a script is alive after the lease it ran under, nor after its action has ended. */
import { type History, isActive, rowChanges, toleranceMs, type Violation } from './history.ts'

export function checkLeases(history: History): Violation[] {
  const leaseEnds = new Map<string, number>()
  const endedAt = new Map<number, number>()
  for (const { action, atMs, before, after } of rowChanges(history)) {
    if (after?.leaseEndMs) leaseEnds.set(`${action}/${after.fencingToken}`, after.leaseEndMs)
    const ends = before !== null && isActive(before.state) && (after === null || !isActive(after.state))
    if (ends && !endedAt.has(action)) endedAt.set(action, atMs)
  }
  return history.sightings.flatMap(({ action, fencingToken, pid, atMs }) => {
    const lease = leaseEnds.get(`${action}/${fencingToken}`) ?? Number.NEGATIVE_INFINITY
    const end = endedAt.get(action) ?? Number.POSITIVE_INFINITY
    const name = `process ${pid} of action ${action} (fence ${fencingToken}) lived at ${atMs} ms`
    // Where nobody gets the processor, whoever ends scripts gets it as late.
    const starvedMs = stallMs(history, lease - stopMarginMs, atMs)
    if (atMs > lease + toleranceMs + starvedMs) return [violation(`${name}, its lease ended at ${lease} ms`)]
    if (atMs > end + toleranceMs + starvedMs) return [violation(`${name}, its action ended at ${end} ms`)]
    return []
  })
}

/**
 * A script is asked to end so long before its lease is over, at most: with the usual settings the grace of 5 s and the margin of
 * 2 s (runner/actions/lease.ts). Who waited for a processor from then on was late by as much.
 */
const stopMarginMs = 7000

function stallMs({ stalls }: History, fromMs: number, untilMs: number): number {
  return stalls
    .filter(({ atMs }) => atMs >= fromMs && atMs <= untilMs)
    .reduce((sum, { lateMs }) => sum + lateMs, 0)
}

const violation = (words: string): Violation => ({ invariant: 'I6', message: words })
