/** Answers how we wait: for a condition, never longer than said, never past the end of what we wait for. */
import { setTimeout as sleep } from 'node:timers/promises'

/** Asks `check` again and again until it says yes (true), `stop` says it never will (false), or time is up (false). */
export async function waitUntil(
  check: () => boolean | Promise<boolean>,
  { timeoutMs, stop = () => false }: { timeoutMs: number; stop?: () => boolean },
): Promise<boolean> {
  const end = performance.now() + timeoutMs
  let pauseMs = 10
  while (!stop()) {
    if (await check()) return true
    if (performance.now() >= end) return false
    await sleep(pauseMs)
    pauseMs = Math.min(pauseMs * 1.5, 200)
  }
  return false
}
