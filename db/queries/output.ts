/**
 * Appends and reads the output of actions. Readers never see the output of a deleted deployment, and of a removed output only when and why
 * it was removed: each read is one statement, because chunks are deleted after that was committed. Called by runner/actions and
 * functions/actions.
 */
import { sql } from 'slonik'
import { z } from 'zod'
import { actionStates, isActive } from '../../domain/actions.ts'
import { noSuchAction } from '../../domain/errors.ts'
import type { OutputChunk, OutputPage } from '../../domain/schemas.ts'
import type { Database, Transaction } from '../pool.ts'
import type { Lease } from './action-lifecycle.ts'

const seqRow = z.object({ seq: z.number() })

/**
 * Appends output under the lease; the schema rejects a stale one. A repeated chunk is stored once, so an append with an
 * unknown outcome may be retried.
 */
export async function appendOutput(
  pool: Database,
  { actionId, fencingToken }: Lease,
  chunks: readonly Pick<OutputChunk, 'seq' | 'stream' | 'text'>[],
): Promise<void> {
  await pool.query(sql.unsafe`
    insert into action_output (action_id, fencing_token, seq, stream, text)
    select ${actionId}, ${fencingToken}, * from ${sql.unnest(
      chunks.map((chunk) => [chunk.seq, chunk.stream, chunk.text]),
      ['int4', 'text', 'text'],
    )}
    on conflict do nothing`)
}

/** The number of the last stored chunk; 0 without output. */
export async function lastSeq(pool: Database, actionId: number): Promise<number> {
  return pool.oneFirst(sql.type(seqRow)`
    select coalesce(max(seq), 0) as seq from action_output where action_id = ${actionId}`)
}

const removalColumns = { removedAt: z.string().nullable(), removalReason: z.string().nullable() }
const noChunk = { seq: z.null(), stream: z.null(), text: z.null(), at: z.null() }
const chunk = {
  seq: z.number(),
  stream: z.enum(['stdout', 'stderr']),
  text: z.string(),
  at: z.string(),
}
const chunkRow = z.union([
  z.object({ state: z.enum(actionStates), ...removalColumns, ...chunk }),
  z.object({ state: z.enum(actionStates), ...removalColumns, ...noChunk }),
])

/** A database of Octopod 1.6 has actions that never had a deployment. */
const isVisible = sql.fragment`
  (a.deployment_id is null or exists (select from deployments d where d.id = a.deployment_id))`
const removal = sql.fragment`to_api_time(o.removed_at) as "removedAt", o.removal_reason as "removalReason"`

/** The approximate limit of text in one page. octet_length does not read the text. */
const maxPageBytes = 1024 * 1024

/** Chunks after number `after`. The page of a removed output has none and is done. Throws no_such_action. */
export async function getOutput(
  pool: Database,
  actionId: number,
  after: number,
  limit: number,
): Promise<OutputPage> {
  const rows = await pool.any(sql.type(chunkRow)`
    select a.state, ${removal}, page.*
    from actions a left join stored_outputs o on o.action_id = a.id left join lateral (
      select seq, stream, text, to_api_time(created_at) as at from (
        select *, sum(octet_length(text)) over (order by seq) - octet_length(text) as before from (
          select * from action_output where action_id = a.id and seq > ${after}::bigint order by seq limit ${limit + 1}) next
      ) counted where before < ${maxPageBytes} order by seq
    ) as page on o.removed_at is null
    where a.id = ${actionId} and ${isVisible} order by page.seq`)
  const [first] = rows
  if (first === undefined) throw noSuchAction(actionId)
  const { state, removedAt, removalReason } = first
  if (removedAt !== null)
    return {
      chunks: [],
      state,
      done: true,
      output_removed_at: removedAt,
      output_removal_reason: removalReason,
    }
  const found = rows.flatMap(({ seq, stream, text, at }) => (seq === null ? [] : [{ seq, stream, text, at }]))
  const chunks = found.slice(0, limit)
  const last = chunks.at(-1)?.seq ?? after
  const more = found.length > limit || (chunks.length > 0 && (await lastSeq(pool, actionId)) > last)
  return { chunks, state, done: !isActive(state) && !more }
}

const wholeOutputRow = z.object({ ...removalColumns, stdout: z.string(), stderr: z.string() })

/** Both streams as whole texts, in the format of Octopod 1.6. Throws no_such_action. */
export async function getWholeOutput(
  pool: Database,
  actionId: number,
): Promise<z.infer<typeof wholeOutputRow>> {
  const row = await pool.maybeOne(sql.type(wholeOutputRow)`
    select ${removal}, texts.stdout, texts.stderr
    from actions a left join stored_outputs o on o.action_id = a.id cross join lateral (
      select coalesce(string_agg(text, '' order by seq) filter (where stream = 'stdout'), '') as stdout,
        coalesce(string_agg(text, '' order by seq) filter (where stream = 'stderr'), '') as stderr
      from action_output where action_id = a.id and o.removed_at is null
    ) as texts
    where a.id = ${actionId} and ${isVisible}`)
  if (row === null) throw noSuchAction(actionId)
  return row
}

const lastOutputRow = z.object({ stdout: z.string(), stderr: z.string() })

/** The end of both streams, enough for the last lines of a failure. */
export async function readLastOutput(
  pool: Database | Transaction,
  actionId: number,
): Promise<{ stdout: string; stderr: string }> {
  return pool.one(sql.type(lastOutputRow)`
    select coalesce(string_agg(text, '' order by seq) filter (where stream = 'stdout'), '') as stdout,
      coalesce(string_agg(text, '' order by seq) filter (where stream = 'stderr'), '') as stderr
    from (
      select seq, stream, right(text, 16384) as text from action_output
      where action_id = ${actionId} order by seq desc limit 50
    ) as last_chunks`)
}
