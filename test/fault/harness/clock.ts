/** The clock of a history: milliseconds since the machine started. A change of the system time does not move it. */
import { uptime } from 'node:os'

export const nowMs = (): number => Math.round(uptime() * 1000)

/** Add this to a system time, e.g. of PostgreSQL on this machine, to get a time of this clock. */
export function systemTimeOffsetMs(): number {
  // /proc/uptime moves in steps of 10 ms. The largest of many differences was read right after a step.
  const differences = Array.from({ length: 200 }, () => uptime() * 1000 - Date.now())
  return Math.max(...differences)
}
