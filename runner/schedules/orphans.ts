/**
 * Searches this machine for scripts and config files of lost runners: when the runner starts, whenever a lease has not been renewed for a
 * third of its time, and every minute. So a script that has lost its runner and its watchdog ends before its lease
 * expires, if another runner works on the machine. Started by main.ts.
 */
import { readShortestLease } from '../../db/queries/recovery.ts'
import { type PeriodicTask, startPeriodic } from '../../lib/periodic.ts'
import { singleFlight } from '../../lib/single-flight.ts'
import type { RunnerContext } from '../context.ts'
import { sweepConfigFiles } from '../process/config-file-sweep.ts'
import { endOrphans } from '../process/orphans.ts'
import { readRunnerProcess } from '../process/process-table.ts'

/** A search takes some ten milliseconds of processor time. */
const searchIntervalMs = 60_000

export type OrphanSearch = PeriodicTask & {
  /** Resolves when no script of a lost runner is left on this machine. */
  search(): Promise<void>
}

export function startOrphanSearch(context: RunnerContext): OrphanSearch {
  const { db, settings, logFailure } = context
  const runner = readRunnerProcess()
  const search = singleFlight(async () => {
    try {
      await endOrphans(context)
    } finally {
      const removed = sweepConfigFiles(runner)
      if (removed > 0) context.log.warn({ removed }, 'config files of killed runners were removed')
    }
  })
  let searchedAtMs = Number.NEGATIVE_INFINITY
  const task = startPeriodic(logFailure, 'search for orphans', settings.LEASE / 6, async () => {
    const remainingMs = await readShortestLease(db)
    // A runner renews a lease six times before it expires.
    const isOverdue = remainingMs !== null && remainingMs < (settings.LEASE * 2) / 3
    if (!isOverdue && performance.now() - searchedAtMs < searchIntervalMs) return
    await search()
    searchedAtMs = performance.now()
  })
  return { ...task, search }
}
