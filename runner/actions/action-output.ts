/** Stores the output of one action in the database and notifies readers of new chunks. Called by execute-action.ts. */
import type { ClaimedAction } from '../../db/queries/action-lifecycle.ts'
import { appendOutput, lastSeq } from '../../db/queries/output.ts'
import { publishOutput } from '../../db/redis/events.ts'
import type { EffectiveConfig } from '../../domain/script.ts'
import type { RunnerContext } from '../context.ts'
import { createOutput, type Output } from '../output/output.ts'
import { secretsFor } from '../scripts/run-script.ts'
import type { ActionLease } from './lease.ts'
import { retryWhileDatabaseDown } from './retry-while-database-down.ts'

/** `config`: its secret values are masked in the output. */
export async function createActionOutput(
  context: RunnerContext,
  action: ClaimedAction,
  lease: ActionLease,
  config: EffectiveConfig,
): Promise<Output> {
  const { db, redis, settings } = context
  const { actionId } = action
  return createOutput({
    firstSeq: (await readLastSeq(context, action, lease)) + 1,
    limitBytes: settings.OUTPUT_LIMIT,
    secrets: secretsFor(context, config),
    write: async (chunks) => {
      await retryWhileDatabaseDown(context, () => appendOutput(db, action, chunks))
      const last = chunks.at(-1)
      if (last) void publishOutput(redis, settings.REDIS_PREFIX, { actionId, seq: last.seq })
    },
  })
}

/** The first claim has no output yet. A later one may find notes of a runner that was lost before the start. */
async function readLastSeq(
  context: RunnerContext,
  { actionId, fencingToken }: ClaimedAction,
  lease: ActionLease,
): Promise<number> {
  if (fencingToken === 1) return 0
  return retryWhileDatabaseDown(context, () => lastSeq(context.db, actionId), lease.signal)
}
