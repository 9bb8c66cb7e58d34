/** Wakes the output streams of this server when an action's output grew; see db/events.ts. Hints may be lost. */

export type OutputHints = {
  /** Resolves at the next hint for the action, or after `timeoutMs`. */
  wait(actionId: number, timeoutMs: number, signal: AbortSignal): Promise<void>
  wake(actionId: number): void
}

export function createOutputHints(): OutputHints {
  const waiting = new Map<number, Set<() => void>>()
  return {
    wait: (actionId, timeoutMs, signal) =>
      new Promise((resolve) => {
        const sleepers = waiting.get(actionId) ?? new Set()
        waiting.set(actionId, sleepers)
        const done = () => {
          clearTimeout(timer)
          signal.removeEventListener('abort', done)
          sleepers.delete(done)
          if (sleepers.size === 0 && waiting.get(actionId) === sleepers) waiting.delete(actionId)
          resolve()
        }
        const timer = setTimeout(done, timeoutMs)
        signal.addEventListener('abort', done, { once: true })
        sleepers.add(done)
      }),
    wake(actionId) {
      for (const done of [...(waiting.get(actionId) ?? [])]) done()
    },
  }
}
