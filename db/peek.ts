/** A look at a deployment without a lock: for refusing early. Only begin, under the lock, decides. */
import { sql } from 'slonik'
import { z } from 'zod'
import { nestOverrides, storedOverrides } from '../domain/schemas.ts'
import { statuses } from '../domain/statuses.ts'
import type { Database } from './pool.ts'

const deploymentStateRow = z
  .object({
    status: z.enum(statuses),
    busy: z.boolean(),
    configRevision: z.number(),
    app_overrides: storedOverrides,
    deployment_overrides: storedOverrides,
  })
  .transform(nestOverrides)

export async function readDeploymentState(
  pool: Database,
  name: string,
): Promise<z.infer<typeof deploymentStateRow> | null> {
  return pool.maybeOne(sql.type(deploymentStateRow)`
    select status, config_revision as "configRevision", app_overrides, deployment_overrides,
      exists (select from actions a where a.deployment_id = d.id and a.state in ('queued', 'running')) as busy
    from deployments d where name = ${name}`)
}
