/** Verifies the chain of the audit log in pages. Called by functions/audit. */
import { sql } from 'slonik'
import { z } from 'zod'
import type { AuditProblem, AuditVerification } from '../../../domain/audit/audit-schemas.ts'
import type { Database } from '../../pool.ts'

/** A page ends with the seal that reaches one of them. */
const maxSeals = 500
const maxEntries = 2500
const maxNamedEntries = 100
/** More entries without a seal are not counted. */
const maxUnsealed = 1000
/** An entry that is committed late is in a seal so near to those of its neighbours. */
const nearSeals = 100
const dayMs = 86_400_000

const checkedRow = z.object({
  id: z.number(),
  hash: z.string(),
  previousHash: z.string(),
  isSealUnchanged: z.boolean(),
  areEntriesUnchanged: z.boolean(),
  isRemoved: z.boolean(),
  entryIds: z.array(z.number()),
  found: z.array(z.number()),
})
type CheckedSeal = z.output<typeof checkedRow>

/**
 * Checks the seals after the one with the number `after`, and their entries. `head`: the hash of a seal that must be in the chain
 * (hex).
 */
export async function verifyAuditLog(
  pool: Database,
  after: number,
  head: string | undefined,
): Promise<AuditVerification> {
  const context = await pool.one(sql.type(contextRow)`
    select
      (select json_build_object('seal', id, 'hash', encode(hash, 'hex')) from audit_seals order by id desc limit 1) as head,
      (select json_build_object('seal', id, 'hash', encode(hash, 'hex')) from audit_seals where id <= ${after}
        order by id desc limit 1) as before,
      (select (select max(entry) from unnest(entry_ids) entry) from audit_seals where id <= ${after} order by id desc limit 1)
        as "lastEntryBefore",
      (select id from audit_seals where hash = decode(${head ?? null}::text, 'hex') limit 1) as "foundHead",
      (select count(*)::int from audit_unsealed) as unsealed,
      (select greatest(coalesce(extract(epoch from clock_timestamp() - min(at)), 0), 0)::float8 from audit_unsealed)
        as "oldestUnsealedSeconds"`)
  const removals = await readRemovals(pool)
  const { removedUntil, start } = startOf(removals)
  const seals = await readSeals(pool, after, removedUntil)
  const problems: AuditProblem[] = []
  let previous = context.before ?? start
  for (const seal of seals) {
    problems.push(...problemsOf(seal, previous))
    previous = { seal: seal.id, hash: seal.hash }
  }
  const last = seals.at(-1)?.id ?? after
  const isEnd = last >= (context.head?.seal ?? 0)
  problems.push(...(await findSealedTwice(pool, seals, after)))
  const upTo = isEnd ? null : Math.max(...(seals.at(-1)?.entryIds ?? []))
  problems.push(...(await findUnsealed(pool, { after, last, from: context.lastEntryBefore, upTo })))
  if (isEnd) problems.push(...removals.flatMap(({ problem }) => problem ?? []))
  if (isEnd && head !== undefined && context.foundHead === null && head.toLowerCase() !== start.hash)
    problems.push({
      kind: 'head_unknown',
      seal: null,
      message:
        'No seal has this head: seals at the end of the chain were removed, or the head is of another log.',
      entry_ids: [],
    })
  return {
    checked_seals: seals.length,
    checked_entries: seals.reduce(
      (sum, { isRemoved, entryIds }) => sum + (isRemoved ? 0 : entryIds.length),
      0,
    ),
    problems,
    next_after: isEnd ? null : last,
    head: context.head,
    given_head_seal: context.foundHead,
    unsealed: { entries: context.unsealed, oldest_seconds: context.oldestUnsealedSeconds },
    removed_until: removedUntil,
  }
}

const headRow = z.object({ seal: z.number(), hash: z.string() }).nullable()
const contextRow = z.object({
  head: headRow,
  before: headRow,
  lastEntryBefore: z.number().nullable(),
  foundHead: z.number().nullable(),
  unsealed: z.number(),
  oldestUnsealedSeconds: z.number(),
})

const removalRow = z.object({
  id: z.number(),
  at: z.string(),
  until: z.string().nullable(),
  partition: z.string().nullable(),
  lastSeal: z.string().nullable(),
  lastHash: z.string().nullable(),
})
type Removal = z.output<typeof removalRow> & { problem: AuditProblem | null }

/** The newest first. An entry that Octopod would not write removes nothing. */
async function readRemovals(pool: Database): Promise<Removal[]> {
  const rows = await pool.any(sql.type(removalRow)`
    select e.id, to_api_time(e.at) as at, details ->> 'until' as until, details ->> 'partition' as partition,
      details ->> 'last_seal' as "lastSeal", details ->> 'last_hash' as "lastHash"
    from (select * from audit_entries where operation = 'remove_old_entries' and proof = 'system'
      order by at desc, id desc limit ${maxUnsealed}) e`)
  return rows.map((row) => {
    const message = problemOfRemoval(row)
    if (message === null) return { ...row, problem: null }
    return {
      ...row,
      problem: {
        kind: 'removal_invalid',
        seal: null,
        message: `The entry ${row.id} about removed entries ${message}: it was added by hand, and nothing counts as removed by it.`,
        entry_ids: [row.id],
      },
    }
  })
}

function problemOfRemoval({ at, until, partition, lastSeal, lastHash }: z.output<typeof removalRow>) {
  const untilMs = Date.parse(until ?? '')
  if (until === null || !/^\d{4}-\d\d-\d\dT[\d:.]+Z$/.test(until) || Number.isNaN(untilMs))
    return 'has no valid time'
  if (partition !== 'audit_entries_default' && !/^\d{4}-\d\d-01T00:00:00\.0+Z$/.test(until))
    return 'does not end with a month'
  if (untilMs > Date.parse(at) - dayMs) return 'names entries that were not a day old'
  const isSeal = /^\d{1,15}$/.test(lastSeal ?? '') && /^[0-9a-f]{64}$/.test(lastHash ?? '')
  return isSeal || (lastSeal === null && lastHash === null) ? null : 'names no valid seal'
}

/** Where the chain begins: at the last removed seal, or at its beginning, as audit_chain_start of db/definitions/audit.sql. */
function startOf(removals: readonly Removal[]) {
  const accepted = removals.filter(({ problem }) => problem === null)
  const last = accepted.find(({ lastSeal }) => lastSeal !== null)
  return {
    // Times as to_api_time writes them compare like text.
    removedUntil:
      accepted
        .map(({ until }) => until ?? '')
        .sort()
        .at(-1) ?? null,
    start: { seal: Number(last?.lastSeal ?? 0), hash: last?.lastHash ?? '0'.repeat(64) },
  }
}

function readSeals(
  pool: Database,
  after: number,
  removedUntil: string | null,
): Promise<readonly CheckedSeal[]> {
  return pool.any(sql.type(checkedRow)`
    with page as (
      select * from (
        select s.*, sum(cardinality(entry_ids)) over (order by id) - cardinality(entry_ids) as entries_before
        from (select * from audit_seals where id > ${after} order by id limit ${maxSeals}) s
      ) summed where entries_before < ${maxEntries})
    select p.id, encode(p.hash, 'hex') as hash, encode(p.previous_hash, 'hex') as "previousHash",
      p.hash = hash_audit_seal(s) as "isSealUnchanged", p.entries_hash = h.hash as "areEntriesUnchanged",
      coalesce(p.last_at < ${removedUntil}::timestamptz, false) as "isRemoved",
      p.entry_ids as "entryIds", h.found
    from page p join audit_seals s on s.id = p.id and s.sealed_at = p.sealed_at
      cross join lateral hash_audit_entries(p.entry_ids, p.first_at, p.last_at) h
    order by p.id`)
}

function* problemsOf(seal: CheckedSeal, previous: { seal: number; hash: string }): Generator<AuditProblem> {
  const { id, entryIds, found } = seal
  const problem = (kind: AuditProblem['kind'], message: string, ids: readonly number[] = []) => ({
    kind,
    seal: id,
    message,
    entry_ids: ids.toSorted((a, b) => a - b).slice(0, maxNamedEntries),
  })
  if (id !== previous.seal + 1)
    yield problem(
      'seals_missing',
      `The seals ${previous.seal + 1} to ${id - 1} are missing before seal ${id}.`,
    )
  else if (seal.previousHash !== previous.hash)
    yield problem('chain_broken', `Seal ${id} does not continue the chain after seal ${previous.seal}.`)
  if (!seal.isSealUnchanged) yield problem('seal_changed', `Seal ${id} was changed.`)
  if (seal.isRemoved) return
  if (found.length < entryIds.length) {
    const missing = entryIds.filter((entry) => !found.includes(entry))
    yield problem(
      'entries_missing',
      `${missing.length} entries of seal ${id} are missing or have another time.`,
      missing,
    )
  } else if (!seal.areEntriesUnchanged)
    yield problem(
      'entries_changed',
      `An entry of seal ${id} was changed: one of ${entryIds.length}, from ${entryIds[0]} to ${entryIds.at(-1)}.`,
      entryIds,
    )
}

const idRow = z.object({ id: z.number() })

/** Entries of these seals that another of them or one of the seals before covers too. */
async function findSealedTwice(
  pool: Database,
  seals: readonly CheckedSeal[],
  after: number,
): Promise<AuditProblem[]> {
  const all = seals.flatMap(({ entryIds }) => entryIds)
  const ids = new Set(all)
  const earlier = await pool.anyFirst(sql.type(idRow)`
    select unnest(entry_ids) as id from audit_seals where id > ${after - nearSeals} and id <= ${after}`)
  const once = new Set<number>()
  const here = all.filter((id) => once.size === once.add(id).size)
  const twice = [...new Set([...earlier.filter((id) => ids.has(id)), ...here])]
  if (twice.length === 0) return []
  const message = `${twice.length} entries are in two seals.`
  return [{ kind: 'entries_sealed_twice', seal: null, message, entry_ids: twice.slice(0, maxNamedEntries) }]
}

/**
 * Entries that no seal covers and that do not wait for one: somebody has added them beside the triggers. Of those with ids after
 * `from`, up to `upTo`; null: no limit. The seals after `after` up to `last` have most of them, and those near them the entries that
 * were committed late. An id with another time is another entry.
 */
async function findUnsealed(
  pool: Database,
  page: { after: number; last: number; from: number | null; upTo: number | null },
): Promise<AuditProblem[]> {
  const ids = await pool.anyFirst(sql.type(idRow)`
    with covered as materialized (
      select entry, first_at, last_at from audit_seals cross join unnest(entry_ids) entry
      where id > ${page.after - nearSeals} and id <= ${page.last + nearSeals})
    select id from audit_entries e
    where id > coalesce(${page.from}::bigint, -9223372036854775808) and id <= coalesce(${page.upTo}::bigint, 9223372036854775807)
      and not exists (select from covered where entry = e.id and e.at between first_at and last_at)
      and not exists (select from audit_unsealed u where u.entry_id = e.id and u.at = e.at)
    limit ${maxUnsealed}`)
  if (ids.length === 0) return []
  const count = ids.length === maxUnsealed ? `At least ${maxUnsealed}` : ids.length
  const message = `${count} entries are in no seal and do not wait for one: they were added by hand.`
  return [
    {
      kind: 'entries_unsealed',
      seal: null,
      message,
      entry_ids: ids.toSorted((a, b) => a - b).slice(0, maxNamedEntries),
    },
  ]
}
