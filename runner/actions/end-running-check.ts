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

/** Ends a check of this runner. Resolves when it has ended, or at once when another runner runs it; never rejects. */
export type EndCheckOf = (deploymentId: number) => Promise<void>

/**
 * Resolves when the check has ended or its lease has expired, or `signal` aborts; never rejects. Another
 * runner gets a message, and notices without it when it next renews the lease.
 */
export async function endRunningCheck(
  context: RunnerContext,
  { isBeingChecked, deploymentId }: ClaimedAction,
  endCheckOf: EndCheckOf,
  signal: AbortSignal,
): Promise<void> {
  if (!isBeingChecked) return
  const { db, redis, settings } = context
  const ownCheckEnded = new AbortController()
  void endCheckOf(deploymentId).then(() => ownCheckEnded.abort())
  void publishCheckEnd(redis, settings.REDIS_PREFIX, deploymentId)
  const isRunning = () =>
    retryWhileDatabaseDown(context, () => isCheckRunning(db, deploymentId), signal).catch(() => true)
  await delay(settings.LEASE, AbortSignal.any([signal, ownCheckEnded.signal]))
  for (
    let pollMs = firstPollMs;
    !signal.aborted && (await isRunning());
    pollMs = Math.min(pollMs * 2, lastPollMs)
  )
    await delay(pollMs, signal)
}
