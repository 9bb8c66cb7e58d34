/** Does something again and again, with jitter, until stopped; an error is logged and does not end it. */
import type { Logger } from 'pino'

export type PeriodicTask = { runNow(): void; stop(): Promise<void> }

/** `everyMs` lies between the end of one round and the start of the next (±20 %); `nudge` starts one at once. */
export function startPeriodic(
  log: Logger,
  name: string,
  intervalMs: number,
  task: () => Promise<void>,
): PeriodicTask {
  let timer: NodeJS.Timeout | undefined
  let running: Promise<void> | null = null
  let runAgain = false
  let isStopped = false

  const run = () => {
    clearTimeout(timer)
    if (isStopped) return
    if (running !== null) {
      runAgain = true
      return
    }
    running = task()
      .catch((error) => log.warn({ err: error }, `${name}: a round failed; it is tried again`))
      .then(() => {
        running = null
        const immediately = runAgain
        runAgain = false
        if (isStopped) return
        timer = setTimeout(run, immediately ? 0 : intervalMs * (0.8 + Math.random() * 0.4))
      })
  }
  run()
  return {
    runNow: run,
    stop: async () => {
      isStopped = true
      clearTimeout(timer)
      await running
    },
  }
}
