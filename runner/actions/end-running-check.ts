/**
 * Ends a check that still runs when an action of its deployment begins. Called by execute-action.ts, which starts the
 * script of the action only afterwards.
 */
import type { ClaimedAction } from '../../db/queries/action-lifecycle.ts'
import { isCheckRunning } from '../../db/queries/checks.ts'
import { publishCheckEnd } from '../../db/redis/events.ts'
import { delay } from '../../lib/delay.ts'
import type { RunnerContext } from '../context.ts'
import { retryWhileDatabaseDown } from './retry-while-database-down.ts'

const firstPollMs = 20
const lastPollMs = 500

/**
 * Resolves when the check has ended or its lease has expired, or `signal` aborts; never rejects. `endCheckOf` ends a
 * check of this runner. Another runner gets a message, and notices without it when it next renews the lease.
 */
export async function endRunningCheck(
  context: RunnerContext,
  { isBeingChecked, deploymentId }: ClaimedAction,
  endCheckOf: (deploymentId: number) => void,
  signal: AbortSignal,
): Promise<void> {
  if (!isBeingChecked) return
  const { db, redis, settings } = context
  endCheckOf(deploymentId)
  void publishCheckEnd(redis, settings.REDIS_PREFIX, deploymentId)
  const isRunning = () =>
    retryWhileDatabaseDown(context, () => isCheckRunning(db, deploymentId), signal).catch(() => true)
  for (
    let pollMs = firstPollMs;
    !signal.aborted && (await isRunning());
    pollMs = Math.min(pollMs * 2, lastPollMs)
  )
    await delay(pollMs, signal)
}
