/**
 * Limits how many bytes of a script are read as lines. Above the limit they are counted and dropped at a limited speed: a script
 * that prints as fast as it can must not keep the runner busy. Called by app-log-output.ts.
 */

export type RateLimits = {
  /** Read as lines, per second and at once. */
  bytesPerSecond: number
  burstBytes: number
  /** Read at all, per second. */
  droppedBytesPerSecond: number
}

export const defaultRateLimits: RateLimits = {
  bytesPerSecond: 256 * 1024,
  burstBytes: 1024 * 1024,
  droppedBytesPerSecond: 8 * 1024 * 1024,
}

export type RateLimit = {
  /** Whether these bytes are read as lines. `isDropping`: whether the ones before were dropped. */
  take(bytes: number, isDropping: boolean): boolean
  /** How long the pipe of a script must wait after these dropped bytes. */
  waitAfterDropped(bytes: number): number
}

/** Shared by both streams of a script. */
export function createRateLimit(limits: RateLimits, now = () => performance.now()): RateLimit {
  const { bytesPerSecond, burstBytes, droppedBytesPerSecond } = limits
  let available = burstBytes
  let refilledAtMs = now()
  let droppedUntilMs = 0
  const refill = () => {
    const nowMs = now()
    available = Math.min(burstBytes, available + ((nowMs - refilledAtMs) / 1000) * bytesPerSecond)
    refilledAtMs = nowMs
  }
  return {
    take(bytes, isDropping) {
      refill()
      // After a gap several lines come together, instead of one between many gaps.
      if (available < (isDropping ? Math.max(bytes, burstBytes / 8) : bytes)) return false
      available -= bytes
      return true
    },
    waitAfterDropped(bytes) {
      const nowMs = now()
      droppedUntilMs = Math.max(nowMs, droppedUntilMs) + (bytes / droppedBytesPerSecond) * 1000
      return droppedUntilMs - nowMs
    },
  }
}
