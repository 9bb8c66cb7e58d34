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
import { matchesGrants } from '../sql-fragments.ts'

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

const startRow = z.object({ at: z.string().nullable(), isAfter: z.boolean() })

/**
 * Where to begin to follow the log: after an entry, at a time, or now. `at`: in microseconds, as text; null: `after` is unknown, and
 * there is no `since`. `isAfter`: `after` is known.
 */
export async function readStreamStart(
  pool: Database,
  { after, since }: Pick<AuditStreamQuery, 'after' | 'since'>,
): Promise<z.output<typeof startRow>> {
  const start = after === undefined ? sql.fragment`now()` : sql.fragment`null`
  return pool.one(sql.type(startRow)`
    select to_api_time(coalesce(e.at, ${since ?? null}::timestamptz, ${start})) as at, e.at is not null as "isAfter"
    from (select 1) one left join audit_entries e on e.id = ${after ?? null}`)
}

/** An entry, by its time and its id. The log is read in this order. */
export type AuditPosition = { at: string; id: number }

const newEntriesRow = z.object({
  entries: z.array(z.custom<AuditEntry>()),
  nowAt: z.string(),
  lastCompared: z.custom<AuditPosition>().nullable(),
})
/**
 * `nowAt`: what is committed at this time was read. `next`: the entry after which to read on; null: there are no more.
 */
export type NewEntries = { entries: AuditEntry[]; nowAt: string; next: AuditPosition | null }

/** Entries after `from` without those in `known`, the oldest first. Compares as many as readAuditPage at most. */
export async function readNewEntries(
  pool: Database,
  query: AuditStreamQuery,
  visibility: AuditVisibility,
  { from, known, limit }: { from: AuditPosition; known: readonly number[]; limit: number },
): Promise<NewEntries> {
  const { conditions } = filtersOf(query)
  const filters = [
    ...Object.values(conditions).filter((one) => one !== null),
    ...visibleCondition(visibility),
  ]
  // The first condition leaves out partitions.
  const window = (columns: FragmentSqlToken) => sql.fragment`
    select ${columns} from audit_entries
    where at >= ${from.at}::timestamptz and (at, id) > (${from.at}::timestamptz, ${from.id}) order by at, id`
  const { entries, nowAt, lastCompared } = await pool.one(sql.type(newEntriesRow)`
    select to_api_time(now()) as "nowAt",
      coalesce((select json_agg(${entryOf(visibility)} order by e.at, e.id) from (
        select * from (${window(sql.fragment`*`)} limit ${maxCompared}) w
        where id <> all(${sql.array([...known], 'int8')}) and ${all(filters)}
        order by at, id limit ${limit}) e), '[]') as entries,
      (select json_build_object('at', to_api_time(at), 'id', id)
        from (${window(sql.fragment`at, id`)} offset ${maxCompared - 1} limit 1) l) as "lastCompared"`)
  return { entries, nowAt, next: entries.length === limit ? (entries.at(-1) ?? null) : lastCompared }
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
  const ofNames = grants === null ? [sql.fragment`deployment is not null`] : [matchesGrants(grants)]
  const accessLog = seesAccessLog ? [sql.fragment`deployment is null`] : []
  const some = [...own, ...ofNames, ...accessLog]
  return [some.length === 0 ? sql.fragment`false` : sql.fragment`(${sql.join(some, sql.fragment` or `)})`]
}

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
