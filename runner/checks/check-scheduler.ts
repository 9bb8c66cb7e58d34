/**
 * Looks after deployments: claims due checks in batches, runs them side by side, moves what they say (law 11). Started
 * by main.ts; `nudge` looks at once, after an action has ended.
 */
import {
  type CheckResult,
  claimChecks,
  type DueCheck,
  renewCheckLeases,
  saveCheckResult,
  saveCheckResultAndStatus,
} from '../../db/queries/checks.ts'
import { publishChange } from '../../db/redis/events.ts'
import {
  checkScriptFor,
  type Status,
  statusAfterCheck,
  statusAfterCheckError,
} from '../../domain/statuses.ts'
import { type PeriodicTask, startPeriodic } from '../../lib/periodic.ts'
import type { RunnerContext } from '../context.ts'
import { getEffectiveConfig } from '../scripts/effective-config.ts'
import { runDeploymentScript } from '../scripts/run-script.ts'
import { type CheckLeases, createCheckLeases } from './check-leases.ts'

/** `onMoved` is called after a check has changed a status. */
export function startCheckScheduler(context: RunnerContext, onStatusChanged: () => void): PeriodicTask {
  const { db, settings, log } = context
  const running = new Set<Promise<unknown>>()
  const leases = createCheckLeases(log, settings.LEASE, (held) => renewCheckLeases(db, held, settings.LEASE))

  const task = startPeriodic(log, 'checks', 1000, async () => {
    const free = settings.CHECK_CONCURRENCY - running.size
    if (free <= 0) return
    const due = await claimChecks(db, free, settings.LEASE)
    for (const dueCheck of due) {
      const check = runDueCheck(context, leases, dueCheck)
        .then((hasChanged) => hasChanged && onStatusChanged())
        .catch((error) => log.error({ err: error, deployment: dueCheck.name }, 'a check could not be made'))
        .finally(() => {
          running.delete(check)
          // There may be more where a full batch came from.
          if (due.length === free) task.runNow()
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

async function runDueCheck(
  context: RunnerContext,
  leases: CheckLeases,
  dueCheck: DueCheck,
): Promise<boolean> {
  const { db, redis, settings } = context
  leases.add(dueCheck)
  const { hasRun, exitCode, error } = await runCheck(context, dueCheck).finally(() => leases.remove(dueCheck))
  if (context.shutdownSignal.aborted) return false
  const timeoutMs = settings.STATUS_UPDATE_TIMEOUT
  const newStatus = hasRun
    ? statusAfterCheck(dueCheck.status, exitCode, dueCheck.pendingMs, timeoutMs)
    : statusAfterCheckError(dueCheck.status, dueCheck.pendingMs, timeoutMs)
  const checkResult: CheckResult = {
    id: dueCheck.id,
    statusWhenClaimed: dueCheck.status,
    revision: dueCheck.revision,
    leaseExpiresAt: dueCheck.leaseExpiresAt,
    exitCode,
    error,
    nextCheckInMs: nextCheckInMs(settings.CHECK_INTERVAL, dueCheck),
  }
  if (newStatus === dueCheck.status) {
    await saveCheckResult(db, checkResult)
    return false
  }
  const change = await saveCheckResultAndStatus(db, checkResult, newStatus)
  if (change !== null) await publishChange(redis, settings.REDIS_PREFIX, change)
  return change !== null
}

/** `made`: the check script ran, well or ill. */
type CheckOutcome = { hasRun: boolean; exitCode: number | null; error: string | null }

async function runCheck(context: RunnerContext, dueCheck: DueCheck): Promise<CheckOutcome> {
  const script = checkScriptFor(dueCheck.status)
  if (script === null) return { hasRun: false, exitCode: null, error: null }
  const config = await getEffectiveConfig(context, dueCheck)
  if (typeof config === 'string') return { hasRun: false, exitCode: null, error: limitLength(config) }
  const timeoutMs = context.settings.CHECK_TIMEOUT
  const { result, failure } = await runDeploymentScript(context, script, dueCheck.name, config, { timeoutMs })
  return {
    hasRun: result.error === null,
    exitCode: result.timedOut || result.error !== null ? null : result.exitCode,
    error: failure === null ? null : limitLength(failure),
  }
}

const limitLength = (text: string) => text.slice(0, 2000)

const pending: readonly Status[] = ['CreatePending', 'UpdatePending', 'ArchivePending']

/** The usual interval, spread a little; one that somebody waits for is looked at sooner, the younger the sooner. */
function nextCheckInMs(intervalMs: number, { status, pendingMs }: DueCheck): number {
  const spread = 0.9 + Math.random() * 0.2
  if (!pending.includes(status)) return intervalMs * spread
  return Math.min(intervalMs, Math.max(1000, pendingMs / 2)) * spread
}
