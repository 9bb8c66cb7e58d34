/** Runs a task again and again until it is stopped. Called by the runner's schedules and by the server's watchers. */

type LogFailure = (error: unknown, message: string) => void

export type PeriodicTask = {
  /** Starts a round at once, or right after the current one. */
  runNow(): void
  /** Stops the task and waits for the current round. */
  stop(): Promise<void>
}

/**
 * Starts the first round at once. `intervalMs` (±20 %, so that processes do not run in step) lies between the end of
 * one round and the start of the next. A round that fails is logged, and the next one starts as usual.
 */
export function startPeriodic(
  logFailure: LogFailure,
  name: string,
  intervalMs: number,
  task: () => Promise<void>,
): PeriodicTask {
  let timer: ReturnType<typeof setTimeout> | undefined
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
      .catch((error) => logFailure(error, `${name}: a round failed; the next one follows`))
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
