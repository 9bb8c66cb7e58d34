/** I6: no process of a script is alive after the end of its lease or of its action. */
import { type History, isActive, rowChanges, toleranceMs, type Violation } from './history.ts'

export function checkLeases(history: History): Violation[] {
  const leaseEnds = new Map<string, number>()
  const actionEnds = new Map<number, number>()
  for (const { action, atMs, before, after } of rowChanges(history)) {
    if (after?.leaseEndMs) leaseEnds.set(`${action}/${after.fencingToken}`, after.leaseEndMs)
    const ends = before !== null && isActive(before.state) && (after === null || !isActive(after.state))
    if (ends && !actionEnds.has(action)) actionEnds.set(action, atMs)
  }
  return history.sightings.flatMap(({ action, fencingToken, pid, atMs }) => {
    const leaseEnd = leaseEnds.get(`${action}/${fencingToken}`) ?? Number.NEGATIVE_INFINITY
    const actionEnd = actionEnds.get(action) ?? Number.POSITIVE_INFINITY
    const name = `process ${pid} of action ${action} (fencing token ${fencingToken}) was alive at ${atMs} ms`
    // When no program gets a processor, the one that ends scripts is late by the same time.
    const allowedMs = toleranceMs + stallMs(history, leaseEnd - stopMarginMs, atMs)
    if (atMs > leaseEnd + allowedMs) return [violation(`${name}, its lease ended at ${leaseEnd} ms`)]
    if (atMs > actionEnd + allowedMs) return [violation(`${name}, its action ended at ${actionEnd} ms`)]
    return []
  })
}

/**
 * The runner ends a script at most this long before the end of its lease: KILL_GRACE 5 s and the margin of 2 s in
 * runner/actions/lease.ts. A stall after that moment delays the end of the script.
 */
const stopMarginMs = 7000

function stallMs({ stalls }: History, fromMs: number, untilMs: number): number {
  return stalls
    .filter(({ atMs }) => atMs >= fromMs && atMs <= untilMs)
    .reduce((sum, { lateMs }) => sum + lateMs, 0)
}

const violation = (message: string): Violation => ({ invariant: 'I6', message })
