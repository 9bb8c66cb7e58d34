/** How many actions run here at once, whoever found them: a bell, the sweeper, retention. Made by main.ts. */

export type Slots = {
  /** Resolves when there is room, in the order of asking: true, or false once this runner takes nothing more. */
  take(): Promise<boolean>
  leave(): void
  free(): number
  /** Nothing more is taken; whoever waits is told. */
  close(): void
}

export function createSlots(count: number): Slots {
  let taken = 0
  let closed = false
  const waiting: ((room: boolean) => void)[] = []
  return {
    take() {
      if (closed) return Promise.resolve(false)
      if (taken < count) {
        taken += 1
        return Promise.resolve(true)
      }
      return new Promise((resolve) => waiting.push(resolve))
    },
    leave() {
      const next = waiting.shift()
      if (next) next(true)
      else taken -= 1
    },
    free: () => (closed ? 0 : count - taken),
    close() {
      closed = true
      for (const tell of waiting.splice(0)) tell(false)
    },
  }
}
