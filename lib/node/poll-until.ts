/**
 * Waits for a condition that nothing announces: calls a check repeatedly, with growing delays, for a limited
 * time.
 */
import { setTimeout as sleep } from 'node:timers/promises'

/** True when `check` has returned true; false when `shouldStop` returned true or the time is over. */
export async function pollUntil(
  check: () => boolean | Promise<boolean>,
  { timeoutMs, shouldStop = () => false }: { timeoutMs: number; shouldStop?: () => boolean },
): Promise<boolean> {
  const deadline = performance.now() + timeoutMs
  let delayMs = 10
  while (!shouldStop()) {
    if (await check()) return true
    if (performance.now() >= deadline) return false
    await sleep(delayMs)
    delayMs = Math.min(delayMs * 1.5, 200)
  }
  return false
}
