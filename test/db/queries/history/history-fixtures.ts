/** Fixtures of the tests of the history: output in bulk, and the work of the runners until nothing is left. */
import { applyDeploymentLimits, applyTotalLimit } from '../../../../db/queries/history/apply-limits.ts'
import {
  deleteActionsOfDeletedDeployments,
  deleteRemovedChunks,
} from '../../../../db/queries/history/delete-behind.ts'
import type { HistoryLimits } from '../../../../db/queries/history/limits.ts'
import { insertDeployment, type TestDatabase } from '../../fixtures.ts'

/** Deletes behind until nothing is left, as the runners do. */
export async function deleteBehind(
  { pool }: Pick<TestDatabase, 'pool'>,
  chunksPerBatch = 1000,
): Promise<void> {
  while (await deleteActionsOfDeletedDeployments(pool));
  for (let after: number | null = 0; after !== null; )
    after = await deleteRemovedChunks(pool, after, chunksPerBatch)
}

export const noLimits: HistoryLimits = {
  actionAgeMs: 0,
  actionsPerDeployment: 0,
  outputAgeMs: 0,
  outputBytesPerDeployment: 0,
  outputBytesInTotal: 0,
}

/** A whole sweep, from wherever it stands, and a second one from the start. */
export async function sweep(
  db: TestDatabase,
  limits: Partial<HistoryLimits>,
  batchSize?: number,
): Promise<void> {
  for (const _ of [1, 2]) {
    await db.raw(`update history_sweeps set next_at = now() where name <> 'count'`)
    if (limits.outputBytesInTotal)
      while (await applyTotalLimit(db.pool, limits.outputBytesInTotal, batchSize));
    else while (await applyDeploymentLimits(db.pool, { ...noLimits, ...limits }, batchSize));
  }
}

/**
 * Inserts ended actions, the oldest first, each with `chunks` chunks of one byte; direct SQL for speed. Returns their
 * ids.
 */
export async function insertHistory(
  db: TestDatabase,
  actions: readonly { chunks: number; ageDays?: number }[],
  name?: string,
): Promise<{ name: string; actionIds: number[] }> {
  const deployment = name ?? (await insertDeployment(db, 'Archived'))
  const actionIds: number[] = []
  for (const { chunks, ageDays = 0 } of actions) {
    const [{ id }] = await db.raw(
      `insert into actions (deployment_id, kind, state, app_overrides, deployment_overrides, actor, source)
       select id, 'update', 'queued', '[]', '[]', 'ann', 'api' from deployments where name = $1 returning id::int`,
      [deployment],
    )
    await db.raw(
      `insert into action_output (action_id, seq, stream, text, fencing_token)
       select $1, n, 'stdout', 'x', 0 from generate_series(1, $2::int) n`,
      [id, chunks],
    )
    await db.raw(
      `update actions set state = 'succeeded', started_at = now(), finished_at = now() - make_interval(days => $2),
         writer_token = fencing_token where id = $1`,
      [id, ageDays],
    )
    actionIds.push(id)
  }
  return { name: deployment, actionIds }
}
