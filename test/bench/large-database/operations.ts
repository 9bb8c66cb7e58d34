/** The operations of large-database.ts, each with the most pages that it may read. */

import type { Database } from '../../../db/pool.ts'
import { type ClaimedAction, claim, finish, renew, start } from '../../../db/queries/action-lifecycle.ts'
import { getAction, readActions, readInfo } from '../../../db/queries/actions.ts'
import { systemActor } from '../../../db/queries/audit/insert-entry.ts'
import { claimChecks } from '../../../db/queries/checks.ts'
import { findNextActions } from '../../../db/queries/claim-order.ts'
import { deleteDeployment } from '../../../db/queries/delete-deployment.ts'
import { getFullInfos } from '../../../db/queries/deployments.ts'
import { enqueueAction } from '../../../db/queries/enqueue-action.ts'
import { applyDeploymentLimits, applyTotalLimit } from '../../../db/queries/history/apply-limits.ts'
import {
  deleteActionsOfDeletedDeployments,
  deleteRemovedChunks,
} from '../../../db/queries/history/delete-behind.ts'
import { deleteOldKeys } from '../../../db/queries/idempotency.ts'
import { deleteOldDeliveries, dropOldestDeliveries } from '../../../db/queries/notifications/deliveries.ts'
import { appendOutput, getOutput } from '../../../db/queries/output.ts'
import { endExpiredAction } from '../../../db/queries/recovery.ts'
import { findExpiredArchives, readQueueForRetention } from '../../../db/queries/retention.ts'
import { readStats } from '../../../db/queries/stats.ts'
import { type ActionKind, emptyResult } from '../../../domain/actions.ts'
import { createListCache, type ListCache } from '../../../functions/deployments/list-cache.ts'
import { testSecrets } from '../../functions/secrets/fixtures.ts'
import { query } from '../harness/datastores.ts'

export type Context = { pool: Database; databaseUrl: string; listCache: ListCache }
export type Operation = {
  name: string
  maxPages: number
  /** Its statements are not counted in the measured run. */
  prepare?(context: Context): Promise<unknown>
  run(context: Context): Promise<unknown>
  /** False: it cannot be repeated, because it uses up what `prepare` made. */
  repeats?: false
}

const leaseMs = 60_000
const succeeded = { ...emptyResult, exitCode: 0 }
let used = 0
/** A deployment that no operation has used. Every fifth is archived. */
const nextName = (archived = false) => {
  used += 1
  return `d-${used * 5 + (archived ? 0 : 1)}`
}

async function claimNew(pool: Database, kind: ActionKind, name: string): Promise<ClaimedAction> {
  const actor = {
    actor: 'bench',
    person: null,
    proof: 'system',
    claimedActor: null,
    address: null,
    requestId: null,
    scope: 'all',
    source: 'api',
    reason: null,
  } as const
  const { actionId } = await enqueueAction(pool, { kind, name, configChecked: true, ...actor })
  const claimed = await claim(pool, actionId, 'bench', leaseMs)
  if (claimed === null) throw new Error(`action ${actionId} was not claimed`)
  return claimed
}

async function runAction(pool: Database, kind: ActionKind, name: string): Promise<void> {
  const claimed = await claimNew(pool, kind, name)
  await renew(pool, claimed, leaseMs)
  await start(pool, claimed, null)
  await appendOutput(pool, claimed, [{ seq: 1, stream: 'stdout', text: 'done\n' }])
  await finish(pool, claimed, succeeded)
}

/** All outputs count as 720 bytes each. */
const halfOfOutput = 180_000_000
const limits = {
  actionAgeMs: 20 * 86_400_000,
  actionsPerDeployment: 20,
  outputAgeMs: 10 * 86_400_000,
  outputBytesPerDeployment: 5000,
  outputBytesInTotal: 0,
}

let cleanup: ClaimedAction | null = null

export const operations: readonly Operation[] = [
  {
    name: 'list, the first',
    maxPages: 400_000,
    run: ({ pool }) => createListCache(pool, testSecrets).current(),
  },
  { name: 'list, unchanged', maxPages: 30, run: ({ listCache }) => listCache.current() },
  {
    name: 'list, after a change',
    // The 312 deployments of a shard.
    maxPages: 600,
    prepare: async ({ databaseUrl, listCache }) => {
      await listCache.current()
      await query(databaseUrl, `update deployments set revision = default where name = '${nextName()}'`)
    },
    run: ({ listCache }) => listCache.current(),
    repeats: false,
  },
  { name: 'full_info', maxPages: 40, run: ({ pool }) => getFullInfos(pool, ['d-12001']) },
  {
    name: 'info',
    maxPages: 120,
    run: async ({ pool }) => Array.fromAsync((await readInfo(pool, 'd-12001')).logs),
  },
  {
    name: 'a page of actions',
    maxPages: 200,
    run: ({ pool }) => Array.fromAsync(readActions(pool, 'd-12001', 50)),
  },
  { name: 'one action', maxPages: 40, run: ({ pool }) => getAction(pool, 250_000) },
  { name: 'a page of output', maxPages: 60, run: ({ pool }) => getOutput(pool, 250_000, 0, 200) },
  {
    name: 'an action from enqueue to finish',
    maxPages: 1200,
    run: ({ pool }) => runAction(pool, 'update', nextName()),
  },
  {
    name: 'recovery: nothing to do',
    maxPages: 60,
    run: async ({ pool }) => {
      await findNextActions(pool, 32, [])
      await endExpiredAction(pool, false)
    },
  },
  { name: 'claim of 16 checks', maxPages: 800, run: ({ pool }) => claimChecks(pool, 16, leaseMs) },
  { name: 'metrics', maxPages: 8000, run: ({ pool }) => readStats(pool) },
  {
    name: 'delete',
    maxPages: 120,
    run: ({ pool }) => deleteDeployment(pool, nextName(), systemActor, undefined),
  },
  {
    name: 'end of a cleanup',
    maxPages: 200,
    prepare: async ({ pool }) => {
      cleanup = await claimNew(pool, 'cleanup', nextName(true))
      await start(pool, cleanup, null)
    },
    run: async ({ pool }) => cleanup && finish(pool, cleanup, succeeded),
    repeats: false,
  },
  {
    name: 'delete behind: the actions of a deployment',
    maxPages: 1500,
    run: ({ pool }) => deleteActionsOfDeletedDeployments(pool),
  },
  {
    name: 'delete behind: 250 chunks',
    maxPages: 3000,
    run: ({ pool }) => deleteRemovedChunks(pool, 0, 250),
  },
  {
    name: 'retention: expired archives',
    maxPages: 200,
    run: async ({ pool }) => {
      await readQueueForRetention(pool, 'bench')
      await findExpiredArchives(pool, 86_400_000, 16)
    },
  },
  {
    name: 'limits: the next 1,000 actions',
    maxPages: 40_000,
    prepare: ({ databaseUrl }) =>
      query(databaseUrl, `update history_sweeps set next_at = now() where name <> 'count'`),
    run: ({ pool }) => applyDeploymentLimits(pool, limits),
  },
  {
    name: 'limit of all output: the next 500',
    maxPages: 15_000,
    prepare: ({ databaseUrl }) =>
      query(databaseUrl, `update history_sweeps set next_at = now() where name <> 'count'`),
    run: ({ pool }) => applyTotalLimit(pool, halfOfOutput),
  },
  {
    name: 'notifications and keys: nothing to do',
    maxPages: 60,
    run: async ({ pool }) => {
      await dropOldestDeliveries(pool)
      await deleteOldDeliveries(pool)
      await deleteOldKeys(pool)
    },
  },
]
