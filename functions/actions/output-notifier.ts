/** Wakes the output streams of this server when an action's output grew; see db/redis/events.ts. Hints may be lost. */

export type OutputNotifier = {
  /** Resolves at the next hint for the action, or after `timeoutMs`. */
  wait(actionId: number, timeoutMs: number, signal: AbortSignal): Promise<void>
  notify(actionId: number): void
}

export function createOutputNotifier(): OutputNotifier {
  const listenersByAction = new Map<number, Set<() => void>>()
  return {
    wait: (actionId, timeoutMs, signal) =>
      new Promise((resolve) => {
        const listeners = listenersByAction.get(actionId) ?? new Set()
        listenersByAction.set(actionId, listeners)
        const done = () => {
          clearTimeout(timer)
          signal.removeEventListener('abort', done)
          listeners.delete(done)
          if (listeners.size === 0 && listenersByAction.get(actionId) === listeners)
            listenersByAction.delete(actionId)
          resolve()
        }
        const timer = setTimeout(done, timeoutMs)
        signal.addEventListener('abort', done, { once: true })
        listeners.add(done)
      }),
    notify(actionId) {
      for (const done of [...(listenersByAction.get(actionId) ?? [])]) done()
    },
  }
}
