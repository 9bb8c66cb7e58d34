/** The clock of a history: milliseconds since the machine started, which no change of its time moves. */
import { uptime } from 'node:os'

export const nowMs = (): number => Math.round(uptime() * 1000)

/** What to add to a time of the wall (as PostgreSQL on this machine tells it) to have it on our clock. */
export function wallOffsetMs(): number {
  // /proc/uptime moves in steps of 10 ms: the largest of many looks is the one right after a step.
  const looks = Array.from({ length: 200 }, () => uptime() * 1000 - Date.now())
  return Math.max(...looks)
}
