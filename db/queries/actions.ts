/** Reading actions and their output; appending output. */
import { sql } from 'slonik'
import { z } from 'zod'
import { type ActionState, actionStates } from '../../domain/actions.ts'
import { ApiError } from '../../domain/errors.ts'
import type { Action, Info, OutputChunk, OutputPage } from '../../domain/schemas.ts'
import type { Database } from '../pool.ts'
import type { Lease } from './action-lifecycle.ts'

const actionRow = z.object({ body: z.custom<Action>() })
const idRow = z.object({ id: z.number() })
const seqRow = z.object({ seq: z.number() })
const stateRow = z.object({ state: z.enum(actionStates) })
const wholeOutputRow = z.object({ known: z.boolean(), stdout: z.string(), stderr: z.string() })

const apiAction = sql.fragment`
  (to_api_action_summary(a)::jsonb || jsonb_build_object('deployment', d.name, 'app_overrides', a.app_overrides,
    'deployment_overrides', a.deployment_overrides)) as body`

const noAction = (actionId: number) => new ApiError('no_such_action', `There is no action ${actionId}.`)

export async function getAction(pool: Database, actionId: number): Promise<Action> {
  const row = await pool.maybeOne(sql.type(actionRow)`
    select ${apiAction} from actions a join deployments d on d.id = a.deployment_id where a.id = ${actionId}`)
  if (row === null) throw noAction(actionId)
  return row.body
}

/** Newest first; `before`: only those with a smaller id. */
export async function listActions(
  pool: Database,
  name: string,
  limit: number,
  before?: number,
): Promise<Action[]> {
  const deploymentId = await pool.maybeOneFirst(sql.type(idRow)`
    select id from deployments where name = ${name}`)
  if (deploymentId === null) throw new ApiError('no_such_deployment', `There is no deployment ${name}.`)
  const rows = await pool.any(sql.type(actionRow)`
    select ${apiAction} from actions a join deployments d on d.id = a.deployment_id
    where a.deployment_id = ${deploymentId} and a.id < ${before ?? Number.MAX_SAFE_INTEGER}::bigint
    order by a.id desc limit ${limit}`)
  return rows.map((row) => row.body)
}

const infoRow = z.object({ body: z.custom<Info>() })

/** How many finished actions `info` answers at most; all of them are in {@link listActions}. */
const maxInfoActions = 1000

/** A deployment with its finished actions in the shape of Octopod 1.6. */
export async function getInfo(pool: Database, name: string): Promise<Info> {
  const row = await pool.maybeOne(sql.type(infoRow)`
    select json_build_object(
      'deployment', f.body -> 'deployment',
      'metadata', f.body -> 'metadata',
      'logs', coalesce((
        select json_agg(json_build_object(
          'action_id', a.id,
          'action', to_api_action_kind(a.kind),
          'deployment_app_overrides', a.app_overrides,
          'deployment_dep_overrides', a.deployment_overrides,
          'exit_code', case when a.state in ('succeeded', 'failed') then coalesce(a.exit_code, -1) else -1 end,
          'duration', json_build_object('months', 0,
            'time', coalesce(extract(epoch from a.finished_at - a.started_at), 0)::float8),
          'created_at', to_api_time(a.created_at)) order by a.id desc)
        from (select * from actions where deployment_id = f.id and finished_at is not null order by id desc limit ${maxInfoActions}) a),
        '[]')) as body
    from deployment_details f where f.name = ${name}`)
  if (row === null) throw new ApiError('no_such_deployment', `There is no deployment ${name}.`)
  return row.body
}

/** Appends output under the held lease; the schema refuses a stale one. The same chunk twice is kept once: an append
 * whose outcome is unknown may be tried again. */
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

/** The number of the last chunk there is; 0 without output. */
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

/** About the most bytes of text in one page, whatever the chunks. Counted without reading the text (octet_length). */
const maxPageBytes = 1024 * 1024

/** Chunks after `after`. The state is read first: a page that says `done` misses nothing. */
export async function getOutput(
  pool: Database,
  actionId: number,
  after: number,
  limit: number,
): Promise<OutputPage> {
  const state: ActionState | null = await pool.maybeOneFirst(sql.type(stateRow)`
    select state from actions where id = ${actionId}`)
  if (state === null) throw noAction(actionId)
  const rows = await pool.any(sql.type(chunkRow)`
    select seq, stream, text, to_api_time(created_at) as at from (
      select *, sum(octet_length(text)) over (order by seq) - octet_length(text) as before from (
        select * from action_output where action_id = ${actionId} and seq > ${after}::bigint order by seq limit ${limit + 1}) first
    ) counted where before < ${maxPageBytes} order by seq`)
  const chunks = rows.slice(0, limit)
  const last = chunks.at(-1)?.seq ?? after
  const more = rows.length > limit || (chunks.length > 0 && (await lastSeq(pool, actionId)) > last)
  return { chunks, state, done: state !== 'queued' && state !== 'running' && !more }
}

/** Both streams whole, as Octopod 1.6 answered them. */
export async function getWholeOutput(
  pool: Database,
  actionId: number,
): Promise<{ stdout: string; stderr: string }> {
  const row = await pool.one(sql.type(wholeOutputRow)`
    select exists (select from actions where id = ${actionId}) as known,
      coalesce(string_agg(text, '' order by seq) filter (where stream = 'stdout'), '') as stdout,
      coalesce(string_agg(text, '' order by seq) filter (where stream = 'stderr'), '') as stderr
    from action_output where action_id = ${actionId}`)
  if (!row.known) throw noAction(actionId)
  return row
}
