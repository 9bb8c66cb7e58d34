/** Does something again and again, with jitter, until stopped; an error is logged and does not end it. */
import type { Logger } from 'pino'

export type Loop = { nudge(): void; stop(): Promise<void> }

/** `everyMs` lies between the end of one round and the start of the next (±20 %); `nudge` starts one at once. */
export function repeat(log: Logger, what: string, everyMs: number, round: () => Promise<void>): Loop {
  let timer: NodeJS.Timeout | undefined
  let running: Promise<void> | null = null
  let again = false
  let stopped = false

  const run = () => {
    clearTimeout(timer)
    if (stopped) return
    if (running !== null) {
      again = true
      return
    }
    running = round()
      .catch((error) => log.warn({ err: error }, `${what}: a round failed; it is tried again`))
      .then(() => {
        running = null
        const soon = again
        again = false
        if (stopped) return
        timer = setTimeout(run, soon ? 0 : everyMs * (0.8 + Math.random() * 0.4))
      })
  }
  run()
  return {
    nudge: run,
    stop: async () => {
      stopped = true
      clearTimeout(timer)
      await running
    },
  }
}
