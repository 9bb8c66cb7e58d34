/** Appends and reads the output of actions. Called by runner/actions and functions/actions. */
import { sql } from 'slonik'
import { z } from 'zod'
import { type ActionState, actionStates, isActive } from '../../domain/actions.ts'
import { noSuchAction } from '../../domain/errors.ts'
import type { OutputChunk, OutputPage } from '../../domain/schemas.ts'
import type { Database, Transaction } from '../pool.ts'
import type { Lease } from './action-lifecycle.ts'

const seqRow = z.object({ seq: z.number() })
const stateRow = z.object({ state: z.enum(actionStates) })
const wholeOutputRow = z.object({ known: z.boolean(), stdout: z.string(), stderr: z.string() })

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

const chunkRow = z.object({
  seq: z.number(),
  stream: z.enum(['stdout', 'stderr']),
  text: z.string(),
  at: z.string(),
})

/** The approximate limit of text in one page. octet_length does not read the text. */
const maxPageBytes = 1024 * 1024

/** Chunks after number `after`. The state is read before the chunks, so a page with `done` misses none. */
export async function getOutput(
  pool: Database,
  actionId: number,
  after: number,
  limit: number,
): Promise<OutputPage> {
  const state: ActionState | null = await pool.maybeOneFirst(sql.type(stateRow)`
    select state from actions where id = ${actionId}`)
  if (state === null) throw noSuchAction(actionId)
  const rows = await pool.any(sql.type(chunkRow)`
    select seq, stream, text, to_api_time(created_at) as at from (
      select *, sum(octet_length(text)) over (order by seq) - octet_length(text) as before from (
        select * from action_output where action_id = ${actionId} and seq > ${after}::bigint order by seq limit ${limit + 1}) page
    ) counted where before < ${maxPageBytes} order by seq`)
  const chunks = rows.slice(0, limit)
  const last = chunks.at(-1)?.seq ?? after
  const more = rows.length > limit || (chunks.length > 0 && (await lastSeq(pool, actionId)) > last)
  return { chunks, state, done: !isActive(state) && !more }
}

/** Both streams as whole texts, in the format of Octopod 1.6. */
export async function getWholeOutput(
  pool: Database,
  actionId: number,
): Promise<{ stdout: string; stderr: string }> {
  const row = await pool.one(sql.type(wholeOutputRow)`
    select exists (select from actions where id = ${actionId}) as known,
      coalesce(string_agg(text, '' order by seq) filter (where stream = 'stdout'), '') as stdout,
      coalesce(string_agg(text, '' order by seq) filter (where stream = 'stderr'), '') as stderr
    from action_output where action_id = ${actionId}`)
  if (!row.known) throw noSuchAction(actionId)
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
