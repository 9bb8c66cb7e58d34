/** Answers how we wait: for a condition, never longer than said, never past the end of what we wait for. */
import { setTimeout as sleep } from 'node:timers/promises'

/** Asks `check` again and again until it says yes (true), `stop` says it never will (false), or time is up (false). */
export async function pollUntil(
  check: () => boolean | Promise<boolean>,
  { timeoutMs, shouldStop = () => false }: { timeoutMs: number; shouldStop?: () => boolean },
): Promise<boolean> {
  const end = performance.now() + timeoutMs
  let delayMs = 10
  while (!shouldStop()) {
    if (await check()) return true
    if (performance.now() >= end) return false
    await sleep(delayMs)
    delayMs = Math.min(delayMs * 1.5, 200)
  }
  return false
}
