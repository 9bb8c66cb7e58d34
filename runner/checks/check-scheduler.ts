/**
 * Runs health checks: claims due checks in batches, runs them side by side and stores the statuses that follow.
 * Started by main.ts; `runNow` is called after an action has ended.
 */
import {
  type CheckResult,
  createCheckClaimer,
  type DueCheck,
  renewCheckLeases,
  saveCheckResult,
  saveCheckResultAndStatus,
} from '../../db/queries/checks.ts'
import { publishChange } from '../../db/redis/events.ts'
import type { Failure } from '../../domain/failures/failure.ts'
import { checkScriptFor, isPending, statusAfterCheck, statusAfterCheckError } from '../../domain/statuses.ts'
import { type PeriodicTask, startPeriodic } from '../../lib/periodic.ts'
import type { RunnerContext } from '../context.ts'
import { getEffectiveConfig } from '../scripts/effective-config.ts'
import { runDeploymentScript } from '../scripts/run-script.ts'
import { type CheckLeases, createCheckLeases } from './check-leases.ts'

/** `onStatusChanged` is called after a check has changed a status. */
export function startCheckScheduler(context: RunnerContext, onStatusChanged: () => void): PeriodicTask {
  const { db, settings, log } = context
  const running = new Set<Promise<unknown>>()
  const claimChecks = createCheckClaimer(db)
  const leases = createCheckLeases(log, settings.LEASE, async (checks) => {
    await renewCheckLeases(db, checks, settings.LEASE)
  })

  const task = startPeriodic(log, 'checks', 1000, async () => {
    const freeSlots = settings.CHECK_CONCURRENCY - running.size
    if (freeSlots <= 0) return
    const dueChecks = await claimChecks(freeSlots, settings.LEASE)
    for (const dueCheck of dueChecks) {
      const check = runDueCheck(context, leases, dueCheck)
        .then((hasChanged) => hasChanged && onStatusChanged())
        .catch((error) => log.error({ err: error, deployment: dueCheck.name }, 'check failed to run'))
        .finally(() => {
          running.delete(check)
          // After a full batch more checks may be due.
          if (dueChecks.length === freeSlots) task.runNow()
        })
      running.add(check)
    }
  })
  return {
    runNow: task.runNow,
    stop: async () => {
      await task.stop()
      await Promise.all(running)
      await leases.stop()
    },
  }
}

/** Returns whether the status has changed. */
async function runDueCheck(
  context: RunnerContext,
  leases: CheckLeases,
  dueCheck: DueCheck,
): Promise<boolean> {
  const { db, redis, settings } = context
  const { id, claim, dueAtUs, status, pendingMs } = dueCheck
  leases.add(dueCheck)
  const { hasRun, exitCode, failure } = await runCheck(context, dueCheck).finally(() =>
    leases.remove(dueCheck),
  )
  if (context.shutdownSignal.aborted) return false
  const timeoutMs = settings.STATUS_UPDATE_TIMEOUT
  const newStatus = hasRun
    ? statusAfterCheck(status, exitCode, pendingMs, timeoutMs)
    : statusAfterCheckError(status, pendingMs, timeoutMs)
  const checkResult: CheckResult = {
    id,
    claim,
    dueAtUs,
    exitCode,
    failure,
    nextCheckInMs: nextCheckInMs(settings.CHECK_INTERVAL, dueCheck),
  }
  if (newStatus === status) {
    await saveCheckResult(db, checkResult)
    return false
  }
  const change = await saveCheckResultAndStatus(db, checkResult, newStatus)
  if (change !== null) await publishChange(redis, settings.REDIS_PREFIX, change)
  return change !== null
}

/** `hasRun`: the script could be started. `exitCode`: null when the script did not exit by itself. */
type CheckOutcome = { hasRun: boolean; exitCode: number | null; failure: Failure | null }

async function runCheck(
  context: RunnerContext,
  { name, status, overrides }: DueCheck,
): Promise<CheckOutcome> {
  const script = checkScriptFor(status)
  if (script === null) return { hasRun: false, exitCode: null, failure: null }
  const config = await getEffectiveConfig(context, { name, overrides })
  if ('failure' in config) return { hasRun: false, exitCode: null, failure: config.failure }
  const timeoutMs = context.settings.CHECK_TIMEOUT
  const { result, failure } = await runDeploymentScript(context, script, name, config, { timeoutMs })
  return {
    hasRun: result.error === null,
    exitCode: result.timedOut || result.error !== null ? null : result.exitCode,
    failure,
  }
}

/** A pending deployment is checked more often, most often at first. All intervals vary by 10 %. */
function nextCheckInMs(intervalMs: number, { status, pendingMs }: DueCheck): number {
  const jitter = 0.9 + Math.random() * 0.2
  if (!isPending(status)) return intervalMs * jitter
  return Math.min(intervalMs, Math.max(1000, pendingMs / 2)) * jitter
}
