/** SQL fragments that several query files need. */
import { type FragmentSqlToken, type SerializableValue, sql } from 'slonik'
import type { Grant } from '../../domain/access/roles.ts'
import { isPending, type Status, statuses, statusTable } from '../../domain/statuses.ts'

export const toJsonb = (value: unknown) => sql.jsonb(value as SerializableValue)

/**
 * Whose turn an action `a` counts to. Many people may share a credential: the name that they claim tells them apart here, where it
 * gives no right.
 */
export const caller = sql.fragment`coalesce(a.claimed_actor, a.actor)`

/** Null stays null. */
export const toBytea = (bytes: Buffer | null) =>
  sql.fragment`decode(${bytes?.toString('hex') ?? null}::text, 'hex')`

export const toInterval = (ms: number) => sql.fragment`make_interval(secs => ${ms / 1000}::float8)`

/**
 * The statuses as literals, not as parameters: PostgreSQL uses a partial index only for a condition that it knows when
 * it plans.
 */
const statusList = (matches: (status: Status) => boolean) =>
  sql.join(
    statuses.filter(matches).map((status) => sql.literalValue(status)),
    sql.fragment`, `,
  )

/** The statuses that wait for a check. */
export const pendingStatuses = statusList(isPending)

/** The statuses that a failed check ends after STATUS_UPDATE_TIMEOUT. */
export const timedStatuses = statusList(
  (status) => statusTable[status].onCheckFailure === 'fail_after_timeout',
)

/** True for a row `d` of deployments whose retention time runs since `archived_at`. */
export const isInRetention = sql.fragment`d.status in (${statusList((status) => statusTable[status].startsRetention)})`

/** True when the deployment has no active action. `id` is an SQL expression. */
export const hasNoActiveAction = (id: FragmentSqlToken) => sql.fragment`
  not exists (select from actions a where a.deployment_id = ${id} and a.state in ('queued', 'running'))`

/** True while a check of the deployment may run. `id` is an SQL expression. */
export const isBeingChecked = (id: FragmentSqlToken) => sql.fragment`
  exists (select from deployment_checks c where c.deployment_id = ${id} and c.lease_expires_at > now())`

/** Whether the column `deployment` holds a name of one of the grants: the same rule as isForName in domain/access/roles.ts. */
export function matchesGrants(grants: readonly Pick<Grant, 'names' | 'within'>[]): FragmentSqlToken {
  const some = grants.map(
    ({ names, within = ['*'] }) => sql.fragment`(${matchesName(names)} and ${matchesName(within)})`,
  )
  return some.length === 0 ? sql.fragment`false` : sql.fragment`(${sql.join(some, sql.fragment` or `)})`
}

/** A pattern has no character that LIKE knows. */
const matchesName = (patterns: readonly string[]) => sql.fragment`
  coalesce(deployment like any(${sql.array(
    patterns.map((pattern) => pattern.replaceAll('*', '%')),
    'text',
  )}), false)`
