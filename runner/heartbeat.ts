/**
 * Touches a file every 5 seconds while the event loop of the runner turns. A runner answers no HTTP request, so
 * liveness probes look at this file (liveness-probe.sh). Started by main.ts once the runner is ready.
 */
import { rm, writeFile } from 'node:fs/promises'
import { type PeriodicTask, startPeriodic } from '../lib/periodic.ts'
import type { LogFailure } from './log-failure.ts'

const intervalMs = 5000

/** Removes the file when it stops. Does nothing without a `file`. */
export function startHeartbeat(logFailure: LogFailure, file: string | undefined): PeriodicTask {
  if (file === undefined) return { runNow: () => {}, stop: async () => {} }
  const task = startPeriodic(logFailure, 'heartbeat', intervalMs, () => writeFile(file, `${process.pid}\n`))
  return {
    runNow: task.runNow,
    stop: async () => {
      await task.stop()
      await rm(file, { force: true })
    },
  }
}
