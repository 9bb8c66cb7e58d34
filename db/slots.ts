/**
 * How many of something are under way at once, first come, first served: queries of a pool (pool.ts), actions of a runner
 * (runner/main.ts).
 */

export type Slots = {
  /** True when there is room; false when there was none within `withinMs`, or once nothing more is taken. */
  take(withinMs?: number): Promise<boolean>
  leave(): void
  free(): number
  /** How many are under way. */
  taken(): number
  /** Nothing more is taken; whoever waits is told. */
  close(): void
}

type Waiting = { tell(room: boolean): void; timer: NodeJS.Timeout | undefined }

export function createSlots(count: number): Slots {
  let taken = 0
  let closed = false
  const queue = new Set<Waiting>()

  const tell = (one: Waiting, room: boolean) => {
    queue.delete(one)
    clearTimeout(one.timer)
    one.tell(room)
  }

  return {
    take(withinMs) {
      if (closed) return Promise.resolve(false)
      if (taken < count) {
        taken += 1
        return Promise.resolve(true)
      }
      return new Promise((resolve) => {
        const one: Waiting = { tell: resolve, timer: undefined }
        if (withinMs !== undefined) one.timer = setTimeout(() => tell(one, false), withinMs)
        queue.add(one)
      })
    },
    leave() {
      const [next] = queue
      if (next) tell(next, true)
      else taken -= 1
    },
    free: () => (closed ? 0 : count - taken),
    taken: () => taken,
    close() {
      closed = true
      for (const one of queue) tell(one, false)
    },
  }
}
