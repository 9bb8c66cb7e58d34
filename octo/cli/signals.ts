/** Ctrl-C and its like, while a command is at work. Called by interrupt-handler.ts and commands/watch.ts. */

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/** `act` is called with what ends the process by that very signal, as shells expect it. Returns what stops listening. */
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
