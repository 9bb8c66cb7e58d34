/**
 * Runs app_logs for the readers of all servers, a limited number at a time. A request reaches every runner; the one that claims
 * it first runs the script. Started by main.ts.
 */
import { randomUUID } from 'node:crypto'
import { announceAppLogs, answerRequest, claimRun, releaseRun } from '../../db/redis/app-logs/claims.ts'
import type { AppLogClaim, AppLogRequest } from '../../domain/output/app-log-messages.ts'
import { delay } from '../../lib/delay.ts'
import { startPeriodic } from '../../lib/periodic.ts'
import type { RunnerContext } from '../context.ts'
import { type AppLogRun, startAppLogRun } from './run-app-logs.ts'

export type AppLogRuns = {
  receive(request: AppLogRequest): void
  /** Ends all runs. Resolves when their scripts have ended. */
  stop(): Promise<void>
}

const announceIntervalMs = 15_000
/** A runner with more runs answers later, so that the work is shared. */
const delayPerRunMs = 40

export function startAppLogRuns(context: RunnerContext): AppLogRuns {
  const { redis, settings, scripts, runnerName, log, logFailure } = context
  const prefix = settings.REDIS_PREFIX
  const hasScript = scripts.path('app_logs') !== null
  /**
   * By key. A place is taken before the claim. Null: not claimed yet. A run that ends because nobody reads it has its runId as
   * key, so that a reader who comes meanwhile gets another run.
   */
  const runs = new Map<string, { claim: AppLogClaim; run: AppLogRun } | null>()
  let isStopped = false

  const announcement = hasScript
    ? startPeriodic(logFailure, 'announcing app_logs', announceIntervalMs, () =>
        announceAppLogs(redis, prefix, 3 * announceIntervalMs),
      )
    : null

  const start = async (request: AppLogRequest) => {
    const { key, deploymentId } = request
    let place = key
    let claimed: AppLogClaim | null = null
    runs.set(place, null)
    try {
      await delay((runs.size - 1) * delayPerRunMs)
      if (isStopped) return
      const claim = { runId: randomUUID(), runner: runnerName }
      const claimedAtMs = performance.now()
      if (!(await claimRun(redis, prefix, key, claim, settings.LEASE))) return
      claimed = claim
      await answerRequest(redis, prefix, request, runnerName, claim)
      const run: AppLogRun = startAppLogRun(context, request, claim, claimedAtMs, () => {
        runs.delete(place)
        place = claim.runId
        runs.set(place, { claim, run })
      })
      log.info({ deploymentId }, 'app logs started')
      runs.set(place, { claim, run })
      if (isStopped) run.stop('runner_stopped')
      await run.ended
    } finally {
      // Before the claim is released: a request between the two must not get a run that has ended.
      runs.delete(place)
      if (claimed !== null) await releaseRun(redis, prefix, key, claimed).catch(() => {})
    }
  }

  return {
    receive(request) {
      if (isStopped) return
      const running = runs.get(request.key)
      if (running !== undefined) {
        if (running !== null) void answerRequest(redis, prefix, request, runnerName, running.claim)
      } else if (!hasScript) void answerRequest(redis, prefix, request, runnerName, 'no_script')
      else if (runs.size >= settings.APP_LOGS_CONCURRENCY)
        void answerRequest(redis, prefix, request, runnerName, 'busy')
      else start(request).catch((error) => logFailure(error, 'app logs could not be started'))
    },
    async stop() {
      isStopped = true
      for (const running of runs.values()) running?.run.stop('runner_stopped')
      await announcement?.stop()
      while (runs.size > 0) await delay(20)
    },
  }
}
