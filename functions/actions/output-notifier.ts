/**
 * Wakes the output streams of this server when an action has new output. server.ts calls `notify` for each event of
 * Redis; events may be lost, so a stream waits only for a limited time.
 */

export type OutputNotifier = {
  /** Resolves at the next event for the action, after `timeoutMs`, or when `signal` aborts. */
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
