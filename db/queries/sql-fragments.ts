/** SQL fragments that several query files need. */
import { type SerializableValue, sql } from 'slonik'
import { checkScriptFor, statuses } from '../../domain/statuses.ts'

export const toJsonb = (value: unknown) => sql.jsonb(value as SerializableValue)

export const toInterval = (ms: number) => sql.fragment`make_interval(secs => ${ms / 1000}::float8)`

const uncheckedStatuses = statuses.filter((status) => checkScriptFor(status) === null)

/**
 * True for a row `d` of deployments whose status has a check script and that has no active action. The statuses are literals, not
 * parameters: PostgreSQL uses a partial index only for a condition that it knows when it plans.
 */
export const isCheckable = sql.fragment`
  d.status not in (${sql.join(
    uncheckedStatuses.map((status) => sql.literalValue(status)),
    sql.fragment`, `,
  )}) and not exists (
    select from actions a where a.deployment_id = d.id and a.state in ('queued', 'running'))`
