/**
 * Appends and reads the output of actions. Readers never see the output of a deleted deployment, and of a removed
 * output only when and why it was removed: each read is one statement, because chunks are deleted after that was
 * committed. Called by runner/actions and functions/actions.
 */
import { sql } from 'slonik'
import { z } from 'zod'
import { actionStates, hasEnded } from '../../domain/actions.ts'
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
  return { chunks, state, done: hasEnded(state) && !more }
}

const endRow = z.object({ ...removalColumns, lastSeq: z.number() })

/** Where the output ends so far, or when and why it was removed. Throws no_such_action. */
export async function readOutputEnd(pool: Database, actionId: number): Promise<z.infer<typeof endRow>> {
  const end = await pool.maybeOne(sql.type(endRow)`
    select ${removal}, (select coalesce(max(seq), 0) from action_output where action_id = a.id) as "lastSeq"
    from actions a left join stored_outputs o on o.action_id = a.id
    where a.id = ${actionId} and ${isVisible}`)
  if (end === null) throw noSuchAction(actionId)
  return end
}

const textRow = z.object({ text: z.string(), last: z.number().nullable() })
/** Small, so that making the answer blocks other requests only for moments. */
const maxTextBytes = 256 * 1024
/** So many chunks are looked at for one text, also when few of them belong to the stream. */
const maxTextChunks = 2000

/**
 * One stream up to chunk number `lastSeq`, in texts of about 256 KiB. Throws when the output is removed or deleted
 * meanwhile, because the rest is missing then.
 */
export async function* readStream(
  pool: Database,
  actionId: number,
  stream: OutputChunk['stream'],
  lastSeq: number,
): AsyncGenerator<string, void> {
  for (let after = 0; after < lastSeq; ) {
    const { text, last } = await pool.one(sql.type(textRow)`
      select coalesce(string_agg(text, '' order by seq) filter (where stream = ${stream}), '') as text, max(seq) as last
      from (
        select *, sum(bytes) over (order by seq) - bytes as before from (
          select seq, stream, text, case when stream = ${stream} then octet_length(text) else 0 end as bytes
          from action_output where action_id = ${actionId} and seq > ${after} and seq <= ${lastSeq} and exists (
            select from actions a left join stored_outputs o on o.action_id = a.id
            where a.id = ${actionId} and o.removed_at is null and ${isVisible})
          order by seq limit ${maxTextChunks}) page
      ) counted where before < ${maxTextBytes}`)
    if (last === null) throw new Error(`the output of action ${actionId} was removed while it was read`)
    yield text
    after = last
  }
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
