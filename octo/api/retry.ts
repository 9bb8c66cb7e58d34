/** How long to wait before something is tried again, and the waiting itself. Called by client.ts, stream-output.ts, live-connection.ts. */

/** Half to all of a wait that doubles from `firstMs` to `mostMs`: many clients must not come back at once. */
export function backoffMs(attempt: number, initialMs: number, maxMs: number, random = Math.random()): number {
  return Math.min(maxMs, initialMs * 2 ** attempt) * (0.5 + random / 2)
}

/** Ends early, without an error, when `signal` aborts. */
export function delay(ms: number, signal?: AbortSignal): Promise<void> {
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
