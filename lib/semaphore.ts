/**
 * How many of something are under way at once, first come, first served: queries of a pool (pool.ts), actions of a runner
 * (runner/main.ts).
 */

export type Semaphore = {
  /** True when there is room; false when there was none within `withinMs`, or once nothing more is taken. */
  acquire(withinMs?: number): Promise<boolean>
  release(): void
  available(): number
  /** How many are under way. */
  inUse(): number
  /** Nothing more is taken; whoever waits is told. */
  close(): void
}

type Waiter = { resolve(room: boolean): void; timer: NodeJS.Timeout | undefined }

export function createSemaphore(limit: number): Semaphore {
  let used = 0
  let closed = false
  const queue = new Set<Waiter>()

  const settle = (one: Waiter, room: boolean) => {
    queue.delete(one)
    clearTimeout(one.timer)
    one.resolve(room)
  }

  return {
    acquire(withinMs) {
      if (closed) return Promise.resolve(false)
      if (used < limit) {
        used += 1
        return Promise.resolve(true)
      }
      return new Promise((resolve) => {
        const one: Waiter = { resolve, timer: undefined }
        if (withinMs !== undefined) one.timer = setTimeout(() => settle(one, false), withinMs)
        queue.add(one)
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
      for (const one of queue) settle(one, false)
    },
  }
}
