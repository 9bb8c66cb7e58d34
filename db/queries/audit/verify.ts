/** Verifies the chain of the audit log in pages. Called by functions/audit. */
import { sql } from 'slonik'
import { z } from 'zod'
import type { AuditProblem, AuditVerification } from '../../../domain/audit/audit-schemas.ts'
import type { Database } from '../../pool.ts'

/** A page ends with the seal that reaches one of them. */
const maxSeals = 500
const maxEntries = 2500
const maxNamedEntries = 100

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
    select c.id as "startId", encode(c.hash, 'hex') as "startHash",
      (select to_api_time(max((details ->> 'until')::timestamptz)) from audit_entries
        where operation = 'remove_old_entries' and proof = 'system') as "removedUntil",
      (select json_build_object('seal', id, 'hash', encode(hash, 'hex')) from audit_seals order by id desc limit 1) as head,
      (select json_build_object('seal', id, 'hash', encode(hash, 'hex')) from audit_seals where id <= ${after}
        order by id desc limit 1) as before,
      (select id from audit_seals where hash = decode(${head ?? null}::text, 'hex') limit 1) as "foundHead",
      (select count(*)::int from audit_unsealed) as unsealed,
      (select greatest(coalesce(extract(epoch from clock_timestamp() - min(at)), 0), 0)::float8 from audit_unsealed)
        as "oldestUnsealedSeconds"
    from audit_chain_start() c`)
  const seals = await readSeals(pool, after)
  const problems: AuditProblem[] = []
  let previous = context.before ?? { seal: context.startId, hash: context.startHash }
  for (const seal of seals) {
    problems.push(...problemsOf(seal, previous))
    previous = { seal: seal.id, hash: seal.hash }
  }
  const last = seals.at(-1)?.id ?? after
  const isEnd = last >= (context.head?.seal ?? 0)
  if (isEnd) problems.push(...(await findUnsealed(pool)))
  if (isEnd && head !== undefined && context.foundHead === null && head.toLowerCase() !== context.startHash)
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
    removed_until: context.removedUntil,
  }
}

const headRow = z.object({ seal: z.number(), hash: z.string() }).nullable()
const contextRow = z.object({
  startId: z.number(),
  startHash: z.string(),
  removedUntil: z.string().nullable(),
  head: headRow,
  before: headRow,
  foundHead: z.number().nullable(),
  unsealed: z.number(),
  oldestUnsealedSeconds: z.number(),
})

function readSeals(pool: Database, after: number): Promise<readonly CheckedSeal[]> {
  return pool.any(sql.type(checkedRow)`
    with page as (
      select * from (
        select s.*, sum(cardinality(entry_ids)) over (order by id) - cardinality(entry_ids) as entries_before
        from (select * from audit_seals where id > ${after} order by id limit ${maxSeals}) s
      ) summed where entries_before < ${maxEntries})
    select p.id, encode(p.hash, 'hex') as hash, encode(p.previous_hash, 'hex') as "previousHash",
      p.hash = hash_audit_seal(s) as "isSealUnchanged", p.entries_hash = h.hash as "areEntriesUnchanged",
      coalesce(p.last_at < (select max((details ->> 'until')::timestamptz) from audit_entries
        where operation = 'remove_old_entries' and proof = 'system'), false) as "isRemoved",
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
    entry_ids: ids.slice(0, maxNamedEntries),
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

const unsealedRow = z.object({ surplus: z.number() })

/** Entries that no seal covers and that do not wait for one: somebody has added them beside the triggers. */
async function findUnsealed(pool: Database): Promise<AuditProblem[]> {
  const surplus = await pool.oneFirst(sql.type(unsealedRow)`
    with removed as (
      select coalesce(max((details ->> 'until')::timestamptz), '-infinity') as until from audit_entries
      where operation = 'remove_old_entries' and proof = 'system')
    select (select count(*) from audit_entries) - (select count(*) from audit_unsealed)
      - (select coalesce(sum(cardinality(entry_ids)), 0) from audit_seals, removed where last_at >= until) as surplus`)
  if (surplus <= 0) return []
  const message = `${surplus} entries are in no seal and do not wait for one: they were added by hand.`
  return [{ kind: 'entries_unsealed', seal: null, message, entry_ids: [] }]
}
