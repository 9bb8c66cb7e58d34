/**
 * A time limit for waiting on a promise. Called wherever another process may never answer: databases, sockets, scripts.
 */

export class TimeoutError extends Error {
  override name = 'TimeoutError'
}

/**
 * Settles like `promise`. When that takes longer than `timeoutMs`, it settles with what `onTimeout` returns or throws;
 * without `onTimeout` it rejects with a TimeoutError. The work behind the promise goes on, and its late result or error
 * is ignored. The timer is cleared as soon as the promise settles.
 */
export function withTimeout<T, U = never>(
  promise: Promise<T>,
  timeoutMs: number,
  onTimeout: () => U = () => {
    throw new TimeoutError(`timed out after ${timeoutMs} ms`)
  },
): Promise<T | U> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      try {
        resolve(onTimeout())
      } catch (error) {
        reject(error)
      }
    }, timeoutMs)
    promise.then(resolve, reject).finally(() => clearTimeout(timer))
  })
}
