/**
 * Runs health checks: claims due checks in batches, runs them side by side and stores the statuses that follow.
 * Started by main.ts; `runNow` is called after an action has ended.
 */
import {
  type CheckResult,
  createCheckClaimer,
  type DueCheck,
  releaseCheck,
  saveCheckResult,
  saveCheckResultAndStatus,
} from '../../db/queries/checks.ts'
import { publishChange } from '../../db/redis/events.ts'
import type { ChangeEvent } from '../../domain/event.ts'
import type { Failure } from '../../domain/failures/failure.ts'
import { checkScriptFor, isPending, statusAfterCheck, statusAfterCheckError } from '../../domain/statuses.ts'
import { type PeriodicTask, startPeriodic } from '../../lib/periodic.ts'
import type { RunnerContext } from '../context.ts'
import { getEffectiveConfig } from '../scripts/effective-config.ts'
import { hashConfig } from '../scripts/record-failure.ts'
import { runDeploymentScript } from '../scripts/run-script.ts'
import { type CheckLease, createCheckLeases } from './check-leases.ts'

export type CheckScheduler = PeriodicTask & {
  /**
   * Ends the check of a deployment if this runner runs it: an action of the deployment begins. Resolves when the check
   * has ended; never rejects.
   */
  endCheckOf(deploymentId: number): Promise<void>
}

/** A check has changed a status. */
type OnStatusChanged = (change: ChangeEvent) => void

export function startCheckScheduler(
  context: RunnerContext,
  onStatusChanged: OnStatusChanged,
): CheckScheduler {
  const { db, settings, logFailure } = context
  /** By the id of the deployment. The promises never reject. */
  const running = new Map<number, Promise<void>>()
  const claimChecks = createCheckClaimer(db)
  const leases = createCheckLeases(context)

  const task = startPeriodic(logFailure, 'checks', 1000, async () => {
    const freeSlots = settings.CHECK_CONCURRENCY - running.size
    if (freeSlots <= 0) return
    const claimedAtMs = performance.now()
    const dueChecks = await claimChecks(freeSlots, settings.LEASE)
    for (const dueCheck of dueChecks) {
      const check = runDueCheck(context, leases.hold(dueCheck, claimedAtMs), dueCheck, onStatusChanged)
        .catch((error) => logFailure(error, 'check failed to run', { deployment: dueCheck.name }))
        .finally(() => {
          if (running.get(dueCheck.id) === check) running.delete(dueCheck.id)
          // After a full batch more checks may be due.
          if (dueChecks.length === freeSlots) task.runNow()
        })
      running.set(dueCheck.id, check)
    }
  })
  return {
    runNow: task.runNow,
    endCheckOf: async (deploymentId) => {
      leases.endCheckOf(deploymentId)
      await running.get(deploymentId)
    },
    stop: async () => {
      await task.stop()
      await Promise.all(running.values())
      await leases.stop()
    },
  }
}

async function runDueCheck(
  context: RunnerContext,
  lease: CheckLease,
  dueCheck: DueCheck,
  onStatusChanged: OnStatusChanged,
): Promise<void> {
  const { db, redis, settings } = context
  const { id, claim, dueAtUs, status, pendingMs } = dueCheck
  const outcome = await runCheck(context, lease, dueCheck).finally(lease.stop)
  if (outcome === null) {
    await releaseCheck(db, dueCheck)
    return
  }
  const { hasRun, exitCode, failure, configHash } = outcome
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
    configHash,
    statusTimeoutMs: timeoutMs,
  }
  if (newStatus === status) {
    if (!(await saveCheckResult(db, checkResult))) await releaseCheck(db, dueCheck)
    return
  }
  const change = await saveCheckResultAndStatus(db, checkResult, newStatus)
  if (change === null) {
    await releaseCheck(db, dueCheck)
    return
  }
  await publishChange(redis, settings.REDIS_PREFIX, change)
  onStatusChanged(change)
}

/** `hasRun`: the script could be started. `exitCode`: null when the script did not exit by itself. */
type CheckOutcome = {
  hasRun: boolean
  exitCode: number | null
  failure: Failure | null
  configHash: string | null
}

/** Returns null when the check had to end; it says nothing about the deployment then. */
async function runCheck(
  context: RunnerContext,
  lease: CheckLease,
  { name, status, overrides }: DueCheck,
): Promise<CheckOutcome | null> {
  const script = checkScriptFor(status)
  if (script === null) return { hasRun: false, exitCode: null, failure: null, configHash: null }
  const config = await getEffectiveConfig(context, { name, overrides }, lease.signal)
  if (lease.isOver()) return null
  const configHash = config.deployment === undefined ? null : hashConfig(config.deployment)
  if ('failure' in config) return { hasRun: false, exitCode: null, failure: config.failure, configHash }
  const { signal, marker } = lease
  const options = { timeoutMs: context.settings.CHECK_TIMEOUT, signal, marker }
  const { result, failure } = await runDeploymentScript(context, script, name, config, options)
  if (signal.aborted || context.shutdownSignal.aborted) return null
  return {
    hasRun: result.error === null,
    exitCode: result.timedOut || result.error !== null ? null : result.exitCode,
    failure,
    configHash,
  }
}

/** A pending deployment is checked more often, most often at first. All intervals vary by 10 %. */
function nextCheckInMs(intervalMs: number, { status, pendingMs }: DueCheck): number {
  const jitter = 0.9 + Math.random() * 0.2
  if (!isPending(status)) return intervalMs * jitter
  return Math.min(intervalMs, Math.max(1000, pendingMs / 2)) * jitter
}
