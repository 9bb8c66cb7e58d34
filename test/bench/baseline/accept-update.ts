/**
 * The baseline of accepting an update: the statements of db/queries/enqueue-action.ts on pg alone, in one
 * transaction.
 */
import type pg from 'pg'
import { prepared } from './prepared.ts'

type Update = { app_overrides: unknown; deployment_overrides: unknown }

export async function acceptUpdate(pool: pg.Pool, name: string, update: Update): Promise<number> {
  const client = await pool.connect()
  try {
    await client.query('begin')
    const { rows: locked } = await client.query(
      prepared`select id, status,
         exists (select from actions a where a.deployment_id = d.id and a.state in ('queued', 'running')) as busy
       from deployments d where name = ${name} for update`,
    )
    const { id, busy } = locked[0]
    if (busy) throw new Error('busy')
    await client.query(
      prepared`update deployments
       set status = 'UpdatePending', status_updated_at = now(), updated_at = now(), revision = default,
         app_overrides = ${JSON.stringify(update.app_overrides)},
         deployment_overrides = ${JSON.stringify(update.deployment_overrides)}
       where id = ${id}`,
    )
    const { rows: inserted } = await client.query(
      prepared`insert into actions (deployment_id, kind, state, app_overrides, deployment_overrides, actor, source, reason, config_checked)
       select id, 'update', 'queued', app_overrides, deployment_overrides, 'admin', 'api', null, true
       from deployments where id = ${id}
       returning id`,
    )
    await client.query(prepared`select body from deployment_details where id = ${id}`)
    await client.query('commit')
    return Number(inserted[0].id)
  } catch (error) {
    await client.query('rollback')
    throw error
  } finally {
    client.release()
  }
}
