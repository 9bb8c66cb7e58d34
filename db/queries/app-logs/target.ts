/** The deployment whose app logs are read. Called by functions/app-logs and runner/app-logs. */
import { sql } from 'slonik'
import { z } from 'zod'
import { noSuchDeployment } from '../../../domain/errors.ts'
import type { Database } from '../../pool.ts'

/** `configRevision`: of the last change of its config, after which a run would not know all secrets. */
export type AppLogTarget = { id: number; configRevision: number }

const targetRow = z.object({ id: z.number(), configRevision: z.number() })
const nameRow = z.object({ name: z.string() })
const revisionRow = z.object({ configRevision: z.number() })

/** Throws no_such_deployment. */
export async function readAppLogTarget(pool: Database, name: string): Promise<AppLogTarget> {
  const target = await pool.maybeOne(sql.type(targetRow)`
    select id, config_revision as "configRevision" from deployments where name = ${name}`)
  if (target === null) throw noSuchDeployment(name)
  return target
}

/** Null when the deployment is gone. */
export const findDeploymentName = (pool: Database, id: number): Promise<string | null> =>
  pool.maybeOneFirst(sql.type(nameRow)`select name from deployments where id = ${id}`)

/** Null when the deployment is gone. */
export const findConfigRevision = (pool: Database, id: number): Promise<number | null> =>
  pool.maybeOneFirst(sql.type(revisionRow)`
    select config_revision as "configRevision" from deployments where id = ${id}`)
