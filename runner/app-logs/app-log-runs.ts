/**
 * Runs app_logs for the readers of all servers, a limited number at a time. A request reaches every runner; the one that claims
 * it first runs the script. Started by main.ts.
 */
import { randomUUID } from 'node:crypto'
import { announceAppLogs, answerRequest, claimRun } from '../../db/redis/app-logs/claims.ts'
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
  /** A place is taken before the claim. Null: not claimed yet. */
  const runs = new Map<string, { claim: AppLogClaim; run: AppLogRun } | null>()
  let isStopped = false

  const announcement = hasScript
    ? startPeriodic(logFailure, 'announcing app_logs', announceIntervalMs, () =>
        announceAppLogs(redis, prefix, 3 * announceIntervalMs),
      )
    : null

  const start = async (request: AppLogRequest) => {
    const { key, deploymentId } = request
    runs.set(key, null)
    try {
      await delay((runs.size - 1) * delayPerRunMs)
      if (isStopped) return
      const claim = { runId: randomUUID(), runner: runnerName }
      const claimedAtMs = performance.now()
      if (!(await claimRun(redis, prefix, key, claim, settings.LEASE))) return
      await answerRequest(redis, prefix, request, runnerName, claim)
      const run = startAppLogRun(context, request, claim, claimedAtMs)
      log.info({ deploymentId }, 'app logs started')
      runs.set(key, { claim, run })
      if (isStopped) run.stop('runner_stopped')
      await run.ended
    } finally {
      runs.delete(key)
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
