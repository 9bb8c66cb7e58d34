/**
 * Tells whoever watches the process that it lives: touches a file as long as its event loop turns. A runner answers no
 * request, so this is what its probes look at (liveness-probe.sh). Started by main once it is ready.
 */
import { rm, writeFile } from 'node:fs/promises'
import type { Logger } from 'pino'
import { type PeriodicTask, startPeriodic } from '../lib/periodic.ts'

const intervalMs = 5000

/** Beats until stopped; then the file is gone. Without a `file` nobody watches. */
export function startHeartbeat(log: Logger, file: string | undefined): PeriodicTask {
  if (file === undefined) return { runNow: () => {}, stop: async () => {} }
  const task = startPeriodic(log, 'heartbeat', intervalMs, () => writeFile(file, `${process.pid}\n`))
  return {
    runNow: task.runNow,
    stop: async () => {
      await task.stop()
      await rm(file, { force: true })
    },
  }
}
