/** Ctrl-C and its like, while a command is at work. Called by leaving.ts and commands/watch.ts. */

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/** `act` is called with what ends the process by that very signal, as shells expect it. Returns what stops listening. */
export function onInterrupt(act: (end: () => void) => void): () => void {
  const heard = (signal: NodeJS.Signals) =>
    act(() => {
      release()
      process.kill(process.pid, signal)
    })
  const release = () => {
    for (const signal of signals) process.off(signal, heard)
  }
  for (const signal of signals) process.on(signal, heard)
  return release
}
