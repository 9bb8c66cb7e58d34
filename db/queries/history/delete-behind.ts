/**
 * Deletes behind: the actions of deleted deployments, and the output of deleted actions and of removed outputs. Readers
 * have not seen them since their deployment, action or output was marked. Each call is one short transaction that
 * remembers its place in the database, so the work is linear, and a runner that is lost leaves it to the next one.
 * Called by runner/schedules/history.ts.
 */
import { sql } from 'slonik'
import { z } from 'zod'
import type { Database, Transaction } from '../../pool.ts'
import { isPaused } from '../pauses/pauses.ts'

const isLockedRow = z.object({ isLocked: z.boolean() })

/**
 * Runs `work` in a transaction, in one process at a time; returns null while another one is at it. Two of them would
 * lock the counters of output_totals in different order.
 */
export async function inExclusiveTransaction<T>(
  pool: Database,
  work: (transaction: Transaction) => Promise<T>,
): Promise<T | null> {
  return pool.transaction(async (transaction) => {
    const isLocked = await transaction.oneFirst(sql.type(isLockedRow)`
      select pg_try_advisory_xact_lock(hashtextextended('octopod history', 0)) as "isLocked"`)
    return isLocked ? work(transaction) : null
  })
}

const deletedDeploymentRow = z.object({ id: z.number(), lastActionId: z.number() })
const idRow = z.object({ id: z.number() })

/**
 * Deletes up to `limit` actions of a deleted deployment. The schema marks their output as removed. Returns whether
 * there was anything to do.
 */
export async function deleteActionsOfDeletedDeployments(pool: Database, limit = 500): Promise<boolean> {
  const found = await inExclusiveTransaction(pool, async (transaction) => {
    const deployment = await transaction.maybeOne(sql.type(deletedDeploymentRow)`
      select id, last_action_id as "lastActionId" from deleted_deployments order by id limit 1`)
    if (deployment === null) return false
    const { id, lastActionId } = deployment
    const deleted = await transaction.anyFirst(sql.type(idRow)`
      delete from actions where id = any(array(
        select id from actions where deployment_id = ${id} and id > ${lastActionId} order by id limit ${limit}))
      returning id`)
    if (deleted.length < limit)
      await transaction.query(sql.unsafe`delete from deleted_deployments where id = ${id}`)
    else
      await transaction.query(sql.unsafe`
        update deleted_deployments set last_action_id = ${Math.max(...deleted)} where id = ${id}`)
    return true
  })
  return found ?? false
}

const removedOutputRow = z.object({ actionId: z.number(), deletedToSeq: z.number(), chunks: z.number() })
type RemovedOutput = z.infer<typeof removedOutputRow>

/** Many small outputs share a transaction. */
const outputsPerBatch = 100

/**
 * Deletes about `limit` chunks of removed outputs of actions after `afterActionId`, the oldest first. Returns the
 * action from which to go on, which is `afterActionId` of the next call; null when no such output is left. Several
 * runners take different outputs. While retention is paused they stay in the database; no query returns them.
 */
export async function deleteRemovedChunks(
  pool: Database,
  afterActionId: number,
  limit: number,
): Promise<number | null> {
  return pool.transaction(async (transaction) => {
    // Starts after a place, because an open snapshot keeps the entries of finished outputs in the index.
    const outputs = await transaction.any(sql.type(removedOutputRow)`
      select action_id as "actionId", deleted_to_seq as "deletedToSeq", chunks from stored_outputs
      where removed_at is not null and not is_deleted and action_id > ${afterActionId} and not ${isPaused('retention')}
      order by action_id limit ${outputsPerBatch} for update skip locked`)
    const batch = takeUpTo(outputs, limit)
    const last = batch.at(-1)
    if (last === undefined) return null
    const remaining = await deleteNextChunks(transaction, batch, limit)
    const unfinished = remaining.flatMap(({ actionId, nextSeq }) =>
      nextSeq === null ? [] : [{ actionId, deletedToSeq: nextSeq - 1 }],
    )
    await saveProgress(transaction, unfinished)
    await endDeletion(
      transaction,
      remaining.flatMap(({ actionId, nextSeq }) => (nextSeq === null ? [actionId] : [])),
    )
    return (unfinished[0]?.actionId ?? last.actionId + 1) - 1
  })
}

/** The first outputs that have at most `limit` chunks together, or the first one alone. */
function takeUpTo(outputs: readonly RemovedOutput[], limit: number): readonly RemovedOutput[] {
  let chunks = 0
  const end = outputs.findIndex((output) => {
    chunks += output.chunks
    return chunks > limit
  })
  return end === -1 ? outputs : outputs.slice(0, Math.max(1, end))
}

const remainingRow = z.object({ actionId: z.number(), nextSeq: z.number().nullable() })

/**
 * Deletes the next `limit` numbers of each output. Returns the number of its first chunk that is left. The range bounds
 * what is read, whatever PostgreSQL knows of the table when it plans; a limit alone would let it read and sort all
 * chunks of the output.
 */
async function deleteNextChunks(
  transaction: Transaction,
  outputs: readonly RemovedOutput[],
  limit: number,
): Promise<readonly z.infer<typeof remainingRow>[]> {
  const ids = outputs.map(({ actionId }) => actionId)
  const seqs = outputs.map(({ deletedToSeq }) => deletedToSeq)
  return transaction.any(sql.type(remainingRow)`
    with output as (
      select * from unnest(${sql.array(ids, 'int8')}, ${sql.array(seqs, 'int8')}) as output (action_id, seq)
    ), deleted as (
      delete from action_output where ctid = any(array(
        select chunk.ctid from output cross join lateral (
          select c.ctid from action_output c
          where c.action_id = output.action_id and c.seq > output.seq and c.seq <= output.seq + ${limit}::int8
          order by c.seq limit ${limit}
        ) as chunk))
    )
    select action_id as "actionId", (
      select min(c.seq) from action_output c where c.action_id = output.action_id and c.seq > output.seq + ${limit}::int8
    ) as "nextSeq"
    from output order by action_id`)
}

async function saveProgress(
  transaction: Transaction,
  outputs: readonly Pick<RemovedOutput, 'actionId' | 'deletedToSeq'>[],
): Promise<void> {
  if (outputs.length === 0) return
  await transaction.query(sql.unsafe`
    update stored_outputs set deleted_to_seq = progress.seq
    from ${sql.unnest(
      outputs.map(({ actionId, deletedToSeq }) => [actionId, deletedToSeq]),
      ['int8', 'int4'],
    )} as progress (action_id, seq)
    where stored_outputs.action_id = progress.action_id`)
}

/** The row of an action that still exists tells its readers when and why the output was removed. */
async function endDeletion(transaction: Transaction, actionIds: readonly number[]): Promise<void> {
  if (actionIds.length === 0) return
  const ids = sql.array([...actionIds], 'int8')
  await transaction.query(sql.unsafe`
    delete from stored_outputs where action_id = any(${ids})
      and not exists (select from actions where id = stored_outputs.action_id)`)
  await transaction.query(sql.unsafe`
    update stored_outputs set is_deleted = true, deleted_to_seq = 0 where action_id = any(${ids})`)
}
