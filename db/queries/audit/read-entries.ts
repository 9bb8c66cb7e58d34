/** Reads the audit log in pages, in bounded time. Called by functions/audit. */
import { type FragmentSqlToken, sql } from 'slonik'
import { z } from 'zod'
import type { Grant, Person } from '../../../domain/access/roles.ts'
import type {
  AuditEntry,
  AuditPage,
  AuditQuery,
  AuditStreamQuery,
} from '../../../domain/audit/audit-schemas.ts'
import type { Database } from '../../pool.ts'

/** What a reader sees of the audit log. */
export type AuditVisibility = {
  /** Whose names it sees; null: all. */
  grants: readonly Pick<Grant, 'names' | 'within'>[] | null
  /** Whether it sees entries without a deployment, such as sign-ins, and addresses. */
  seesAccessLog: boolean
  /** Whose own entries it sees; null: it has none. */
  person: Person | null
}

/**
 * So many entries are compared with filters that no index serves. Then the page ends, however few it has found: no filter makes a
 * page slow.
 */
const maxCompared = 3000

const pageRow = z.object({
  entries: z.array(z.custom<AuditEntry>()),
  lastCompared: z.number().nullable(),
})

export async function readAuditPage(
  pool: Database,
  query: AuditQuery,
  visibility: AuditVisibility,
): Promise<AuditPage> {
  const { limit } = query
  const { window, rest } = planPage(query, visibility)
  const lastCompared = sql.fragment`(select id from (${window(sql.fragment`id, at`)} offset ${maxCompared - 1} limit 1) l)`
  const found = await pool.one(sql.type(pageRow)`
    select
      coalesce((select json_agg(${entryOf(visibility)} order by e.at desc, e.id desc) from (
        select * from (${window(sql.fragment`*`)} limit ${maxCompared}) w
        where ${rest ?? sql.fragment`true`} order by at desc, id desc limit ${limit + 1}) e), '[]') as entries,
      ${rest === null ? sql.fragment`null::bigint` : lastCompared} as "lastCompared"`)
  const entries = found.entries.slice(0, limit)
  const isFull = found.entries.length > limit
  return { entries, next_before: isFull ? (entries.at(-1)?.id ?? null) : found.lastCompared }
}

const positionRow = z.object({ at: z.string(), nowAt: z.string() })

/** Where to begin to follow the log: at an entry, at a time, or now. In microseconds, as text. */
export async function readStreamStart(
  pool: Database,
  { after, since }: Pick<AuditStreamQuery, 'after' | 'since'>,
): Promise<string> {
  const { at } = await pool.one(sql.type(positionRow)`
    select to_api_time(coalesce((select at from audit_entries where id = ${after ?? null}), ${since ?? null}::timestamptz, now())) as at,
      to_api_time(clock_timestamp()) as "nowAt"`)
  return at
}

const newEntriesRow = z.object({ entries: z.array(z.custom<AuditEntry>()), nowAt: z.string() })
export type NewEntries = z.output<typeof newEntriesRow>

/** Entries at `from` or later without those in `known`, the oldest first. A transaction may commit an entry of an earlier time. */
export async function readNewEntries(
  pool: Database,
  query: AuditStreamQuery,
  visibility: AuditVisibility,
  { from, known, limit }: { from: string; known: readonly number[]; limit: number },
): Promise<NewEntries> {
  const { conditions } = filtersOf(query)
  const filters = [
    ...Object.values(conditions).filter((one) => one !== null),
    ...visibleCondition(visibility),
  ]
  return pool.one(sql.type(newEntriesRow)`
    select to_api_time(clock_timestamp()) as "nowAt",
      coalesce((select json_agg(${entryOf(visibility)} order by e.at, e.id) from (
        select * from audit_entries
        where at >= ${from}::timestamptz and id <> all(${sql.array([...known], 'int8')}) and ${all(filters)}
        order by at, id limit ${limit}) e), '[]') as entries`)
}

/** What each filter compares; null: it is not set. */
function filtersOf({ actor, deployment, operation, outcome }: Partial<AuditQuery>) {
  const isActor = sql.fragment`(actor = ${actor ?? null} or subject = ${actor ?? null} or claimed_actor = ${actor ?? null})`
  const conditions = {
    deployment: deployment === undefined ? null : sql.fragment`deployment = ${deployment}`,
    actor: actor === undefined ? null : isActor,
    operation: operation === undefined ? null : sql.fragment`operation = ${operation}`,
    // A literal: PostgreSQL uses a partial index only for a condition that it knows when it plans.
    outcome: outcome === undefined ? null : sql.fragment`outcome = ${sql.literalValue(outcome)}`,
  }
  return { conditions }
}

/**
 * `window`: the entries of one index, the newest first, without a limit. `rest`: what the index does not decide; null: nothing. The
 * planner is not asked which index to take: for a rare value it would read the whole log in order of time.
 */
function planPage(query: AuditQuery, visibility: AuditVisibility) {
  const { actor, outcome, since, until, before } = query
  const range = all([
    ...(before === undefined
      ? []
      : [sql.fragment`(at, id) < ((select at from audit_entries where id = ${before}), ${before})`]),
    ...(since === undefined ? [] : [sql.fragment`at >= ${since}::timestamptz`]),
    ...(until === undefined ? [] : [sql.fragment`at < ${until}::timestamptz`]),
  ])
  const select = (columns: FragmentSqlToken, condition: FragmentSqlToken) => sql.fragment`
    select ${columns} from audit_entries where ${condition} and ${range} order by at desc, id desc`
  const { conditions } = filtersOf(query)
  const indexed = (['deployment', 'actor', 'operation', 'outcome'] as const).find(
    (name) => conditions[name] !== null && (name !== 'outcome' || outcome === 'refused'),
  )
  const window = (columns: FragmentSqlToken): FragmentSqlToken => {
    if (indexed !== 'actor') return select(columns, (indexed && conditions[indexed]) ?? sql.fragment`true`)
    const parts = [
      sql.fragment`actor = ${actor ?? null}`,
      sql.fragment`subject = ${actor ?? null} and actor <> ${actor ?? null}`,
      sql.fragment`claimed_actor = ${actor ?? null} and actor <> ${actor ?? null} and subject is distinct from ${actor ?? null}`,
    ].map((condition) => sql.fragment`(${select(columns, condition)} limit ${maxCompared})`)
    return sql.fragment`select ${columns} from (${sql.join(parts, sql.fragment` union all `)}) u order by at desc, id desc`
  }
  const others = [
    ...Object.entries(conditions).flatMap(([name, condition]) =>
      condition === null || name === indexed ? [] : [condition],
    ),
    ...visibleCondition(visibility),
  ]
  return { window, rest: others.length === 0 ? null : all(others) }
}

const all = (conditions: readonly FragmentSqlToken[]): FragmentSqlToken =>
  conditions.length === 0 ? sql.fragment`true` : sql.fragment`${sql.join(conditions, sql.fragment` and `)}`

/** Empty: the reader sees everything. */
function visibleCondition({ grants, seesAccessLog, person }: AuditVisibility): FragmentSqlToken[] {
  if (grants === null && seesAccessLog) return []
  const own =
    person === null
      ? []
      : // Not those about names that it may not read: it would learn that they exist.
        [sql.fragment`(deployment is null and issuer = ${person.issuer} and subject = ${person.subject})`]
  const ofNames =
    grants === null
      ? [sql.fragment`deployment is not null`]
      : grants.map(({ names, within }) =>
          all([names, ...(within === undefined ? [] : [within])].map(matchesName)),
        )
  const accessLog = seesAccessLog ? [sql.fragment`deployment is null`] : []
  const some = [...own, ...ofNames, ...accessLog]
  return [some.length === 0 ? sql.fragment`false` : sql.fragment`(${sql.join(some, sql.fragment` or `)})`]
}

/** The same rule as matchesAny in domain/access/roles.ts. A pattern has no character that LIKE knows. */
const matchesName = (patterns: readonly string[]) => sql.fragment`
  coalesce(deployment like any(${sql.array(
    patterns.map((pattern) => pattern.replaceAll('*', '%')),
    'text',
  )}), false)`

const entryOf = ({ seesAccessLog, person }: AuditVisibility) => {
  const isOwn =
    person === null
      ? sql.fragment`false`
      : sql.fragment`coalesce(issuer = ${person.issuer} and subject = ${person.subject}, false)`
  return sql.fragment`json_build_object('id', id, 'at', to_api_time(at), 'operation', operation, 'outcome', outcome,
    'deployment', deployment, 'action_id', action_id, 'actor', actor, 'issuer', issuer, 'subject', subject, 'proof', proof,
    'claimed_actor', claimed_actor, 'source', source, 'reason', reason,
    'address', case when ${seesAccessLog ? sql.fragment`true` : isOwn} then address end,
    'request_id', request_id, 'count', count, 'details', details)`
}
