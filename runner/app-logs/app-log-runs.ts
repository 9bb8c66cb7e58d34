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
/** Readers who want other lines have a run of their own. */
const maxRunsOfDeployment = 2

type Run = {
  caller: string | undefined
  deploymentId: number
  /** Null: it is not claimed yet. */
  started: { claim: AppLogClaim; run: AppLogRun } | null
  /** It ends, because nobody reads it. */
  isEnding: boolean
}

export function startAppLogRuns(context: RunnerContext): AppLogRuns {
  const { redis, settings, scripts, runnerName, log, logFailure } = context
  const prefix = settings.REDIS_PREFIX
  const hasScript = scripts.path('app_logs') !== null
  /**
   * By key. A place is taken before the claim. A run that ends because nobody reads it has its runId as key, so that a reader who
   * comes meanwhile gets another run.
   */
  const runs = new Map<string, Run>()
  let isStopped = false

  const announcement = hasScript
    ? startPeriodic(logFailure, 'announcing app_logs', announceIntervalMs, () =>
        announceAppLogs(redis, prefix, 3 * announceIntervalMs),
      )
    : null

  /** One caller leaves a place of each runner to others. A caller may be a credential that many people share. */
  const isBusy = ({ caller, deploymentId }: AppLogRequest): boolean => {
    const places = settings.APP_LOGS_CONCURRENCY
    if (runs.size >= places) return true
    const read = [...runs.values()].filter(({ isEnding }) => !isEnding)
    const ofCaller = read.filter((run) => caller !== undefined && run.caller === caller)
    const ofDeployment = read.filter((run) => run.deploymentId === deploymentId)
    return ofCaller.length >= Math.max(1, places - 1) || ofDeployment.length >= maxRunsOfDeployment
  }

  const start = async (request: AppLogRequest) => {
    const { key, deploymentId, caller } = request
    let place = key
    let claimed: AppLogClaim | null = null
    const entry: Run = { caller, deploymentId, started: null, isEnding: false }
    runs.set(place, entry)
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
        entry.isEnding = true
        runs.set(place, entry)
      })
      log.info({ deploymentId }, 'app logs started')
      entry.started = { claim, run }
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
        const { started } = running
        if (started !== null) void answerRequest(redis, prefix, request, runnerName, started.claim)
      } else if (!hasScript) void answerRequest(redis, prefix, request, runnerName, 'no_script')
      else if (isBusy(request)) void answerRequest(redis, prefix, request, runnerName, 'busy')
      else start(request).catch((error) => logFailure(error, 'app logs could not be started'))
    },
    async stop() {
      isStopped = true
      for (const running of runs.values()) running.started?.run.stop('runner_stopped')
      await announcement?.stop()
      while (runs.size > 0) await delay(20)
    },
  }
}
