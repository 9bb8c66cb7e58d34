/** Listens for Ctrl-C and other signals that end a program. Called by interrupt-handler.ts and the watch command. */

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/**
 * Calls `handler` for every signal. Its argument ends the process with the same signal, as shells expect. Returns a
 * function that removes the listeners.
 */
export function onInterrupt(handler: (endProcess: () => void) => void): () => void {
  const listener = (signal: NodeJS.Signals) =>
    handler(() => {
      removeListeners()
      process.kill(process.pid, signal)
    })
  const removeListeners = () => {
    for (const signal of signals) process.off(signal, listener)
  }
  for (const signal of signals) process.on(signal, listener)
  return removeListeners
}
