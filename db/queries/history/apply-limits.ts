/**
 * Applies the limits of the history (limits.ts): deletes actions and marks outputs as removed. Each call is one short
 * transaction that reads a bounded number of rows and remembers its place in the database: a sweep over all actions is
 * linear, and all runners share it. delete-behind.ts deletes the output. Called by runner/schedules/history.ts.
 */
import { sql } from 'slonik'
import { z } from 'zod'
import type { Database, Transaction } from '../../pool.ts'
import { isPaused } from '../pauses/pauses.ts'
import { toInterval, toJsonb } from '../sql-fragments.ts'
import { inExclusiveTransaction } from './delete-behind.ts'
import { findRemoval, type HistoryLimits, noNewerActions, overTotalLimit } from './limits.ts'

/** After a sweep the next one waits this long. */
const sweepPauseMs = 300_000

/** The last action that a sweep has seen, and what it has seen of its deployment. */
const place = z.object({
  deploymentId: z.number().default(0),
  actionId: z.number().default(0),
  count: z.number().default(noNewerActions.count),
  // A runner of an earlier version does not write it, and protects the newest action instead.
  hasRunCount: z.number().default(noNewerActions.hasRunCount),
  outputBytes: z.number().default(noNewerActions.outputBytes),
})
const placeRow = z.object({ place })
type Place = z.infer<typeof place>

const sweptRow = z.object({
  actionId: z.number(),
  deploymentId: z.number(),
  hasRun: z.boolean(),
  ageMs: z.number().nullable(),
  outputBytes: z.number(),
})

/**
 * Applies the limits of each deployment to the next `batchSize` actions. Returns whether more follow: false at the end
 * of a sweep, while the next one is not due, and while another runner is at it.
 */
export async function applyDeploymentLimits(
  pool: Database,
  limits: HistoryLimits,
  batchSize = 1000,
): Promise<boolean> {
  const more = await inExclusiveTransaction(pool, async (transaction) => {
    const start = await readPlace(transaction, 'deployments')
    if (start === null) return false
    const actions = await readNextActions(transaction, start, batchSize)
    const toDelete: number[] = []
    const toRemove: RemovedOutput[] = []
    let now: Place = start
    for (const action of actions) {
      const { actionId, deploymentId, hasRun, outputBytes } = action
      const newer = deploymentId === now.deploymentId ? now : noNewerActions
      const removal = findRemoval(action, newer, limits)
      if (removal?.type === 'delete_action') toDelete.push(actionId)
      if (removal?.type === 'remove_output') toRemove.push({ actionId, reason: removal.reason })
      now = {
        deploymentId,
        actionId,
        count: newer.count + 1,
        hasRunCount: newer.hasRunCount + (hasRun ? 1 : 0),
        outputBytes: newer.outputBytes + outputBytes,
      }
    }
    await deleteActions(transaction, toDelete)
    await markOutputsRemoved(transaction, toRemove)
    return savePlace(transaction, 'deployments', actions.length === batchSize ? now : null)
  })
  return more ?? false
}

/** By deployment, the newest action first. */
async function readNextActions(transaction: Transaction, { deploymentId, actionId }: Place, limit: number) {
  return transaction.any(sql.type(sweptRow)`
    select a.id as "actionId", a.deployment_id as "deploymentId",
      a.wait_conditions is null as "hasRun", extract(epoch from now() - a.finished_at)::float8 * 1000 as "ageMs",
      coalesce((select o.bytes from stored_outputs o where o.action_id = a.id and o.removed_at is null), 0) as "outputBytes"
    from (
      (select id, deployment_id, finished_at, wait_conditions from actions
        where deployment_id = ${deploymentId} and id < ${actionId} order by id desc limit ${limit})
      union all
      (select id, deployment_id, finished_at, wait_conditions from actions
        where deployment_id > ${deploymentId} order by deployment_id, id desc limit ${limit})
    ) as a
    order by a.deployment_id, a.id desc limit ${limit}`)
}

const presentOutputRow = z.object({ actionId: z.number(), bytes: z.number(), isKept: z.boolean() })
const bytesRow = z.object({ bytes: z.number() })

/**
 * Removes the oldest outputs while all together exceed `limitBytes`; looks at the next `batchSize` outputs. Returns
 * whether more follow, as {@link applyDeploymentLimits} does.
 */
export async function applyTotalLimit(pool: Database, limitBytes: number, batchSize = 500): Promise<boolean> {
  const more = await inExclusiveTransaction(pool, async (transaction) => {
    const start = await readPlace(transaction, 'total')
    if (start === null) return false
    const totalBytes = await transaction.oneFirst(sql.type(bytesRow)`
      select sum(bytes)::bigint as bytes from output_totals`)
    let excessBytes = totalBytes - limitBytes
    if (excessBytes <= 0) return savePlace(transaction, 'total', null)
    const outputs = await transaction.any(sql.type(presentOutputRow)`
      select o.action_id as "actionId", o.bytes, a.finished_at is null or not exists (
          select from actions newer where newer.deployment_id = a.deployment_id and newer.id > a.id and newer.wait_conditions is null) as "isKept"
      from (select action_id, bytes from stored_outputs where removed_at is null and action_id > ${start.actionId}
        order by action_id limit ${batchSize}) as o
      join actions a on a.id = o.action_id
      order by o.action_id`)
    const toRemove: RemovedOutput[] = []
    let last = start.actionId
    for (const { actionId, bytes, isKept } of outputs) {
      if (excessBytes <= 0) break
      last = actionId
      if (isKept || bytes === 0) continue
      excessBytes -= bytes
      toRemove.push({ actionId, reason: overTotalLimit(limitBytes) })
    }
    await markOutputsRemoved(transaction, toRemove)
    const isAtEnd = outputs.length === 0
    return savePlace(transaction, 'total', isAtEnd ? null : { ...start, actionId: last })
  })
  return more ?? false
}

/** Null: the next sweep is not due yet, or retention is paused. */
async function readPlace(transaction: Transaction, name: SweepName): Promise<Place | null> {
  return transaction.maybeOneFirst(sql.type(placeRow)`
    select place from history_sweeps where name = ${name} and next_at <= now() and not ${isPaused('retention')}`)
}

type SweepName = 'deployments' | 'total'

/**
 * `next` null: the sweep is complete, and the next one starts at the beginning, later. Returns whether more follows
 * now.
 */
async function savePlace(transaction: Transaction, name: SweepName, next: Place | null): Promise<boolean> {
  await transaction.query(sql.unsafe`
    update history_sweeps set place = ${toJsonb(next ?? {})},
      next_at = now() + ${toInterval(next === null ? sweepPauseMs : 0)} where name = ${name}`)
  return next !== null
}

async function deleteActions(transaction: Transaction, ids: readonly number[]): Promise<void> {
  if (ids.length === 0) return
  await transaction.query(sql.unsafe`delete from actions where id = any(${sql.array([...ids], 'int8')})`)
}

type RemovedOutput = { actionId: number; reason: string }

/** From now on readers see the reason instead of the output. */
async function markOutputsRemoved(
  transaction: Transaction,
  outputs: readonly RemovedOutput[],
): Promise<void> {
  if (outputs.length === 0) return
  await transaction.query(sql.unsafe`
    update stored_outputs set removed_at = now(), removal_reason = removed.reason
    from ${sql.unnest(
      outputs.map(({ actionId, reason }) => [actionId, reason]),
      ['int8', 'text'],
    )} as removed (action_id, reason)
    where stored_outputs.action_id = removed.action_id and removed_at is null`)
}
