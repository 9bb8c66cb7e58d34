/**
 * A semaphore in order of arrival. It limits the queries of a pool (db/pool.ts) and the actions of a runner
 * (runner/actions/action-worker.ts).
 */

export type Semaphore = {
  /** Resolves to false when no permit became free within `timeoutMs`, or the semaphore is closed. */
  acquire(timeoutMs?: number): Promise<boolean>
  release(): void
  available(): number
  inUse(): number
  /** Grants no more permits. Waiting calls resolve to false. */
  close(): void
}

type Waiter = { resolve(acquired: boolean): void; timer: ReturnType<typeof setTimeout> | undefined }

export function createSemaphore(limit: number): Semaphore {
  let used = 0
  let closed = false
  const queue = new Set<Waiter>()

  const settle = (waiter: Waiter, acquired: boolean) => {
    queue.delete(waiter)
    clearTimeout(waiter.timer)
    waiter.resolve(acquired)
  }

  return {
    acquire(timeoutMs) {
      if (closed) return Promise.resolve(false)
      if (used < limit) {
        used += 1
        return Promise.resolve(true)
      }
      return new Promise((resolve) => {
        const waiter: Waiter = { resolve, timer: undefined }
        if (timeoutMs !== undefined) waiter.timer = setTimeout(() => settle(waiter, false), timeoutMs)
        queue.add(waiter)
      })
    },
    release() {
      const [next] = queue
      if (next) settle(next, true)
      else used -= 1
    },
    available: () => (closed ? 0 : limit - used),
    inUse: () => used,
    close() {
      closed = true
      for (const waiter of queue) settle(waiter, false)
    },
  }
}
