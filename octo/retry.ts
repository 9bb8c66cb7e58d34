/** How long to wait before something is tried again, and the waiting itself. Called by client.ts, follow.ts, live.ts. */

/** Half to all of a wait that doubles from `firstMs` to `mostMs`: many clients must not come back at once. */
export function backoffMs(attempt: number, firstMs: number, mostMs: number, random = Math.random()): number {
  return Math.min(mostMs, firstMs * 2 ** attempt) * (0.5 + random / 2)
}

/** Ends early, without an error, when `signal` aborts. */
export function pause(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve()
    const done = () => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', done)
      resolve()
    }
    const timer = setTimeout(done, ms)
    signal?.addEventListener('abort', done)
  })
}
