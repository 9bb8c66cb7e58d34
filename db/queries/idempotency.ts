/**
 * Idempotency keys and late requests. Requests with the same Idempotency-Key act once, also when the connection breaks
 * during COMMIT. No request acts after its client was told otherwise. Called by functions/ and by the queries that act
 * for a request; action keys are inserted by the SQL function enqueue_action.
 */
import { sql } from 'slonik'
import { z } from 'zod'
import { idempotencyKeyReused } from '../../domain/errors.ts'
import { isLateRequest } from '../errors.ts'
import type { Database, Transaction } from '../pool.ts'
import { type DeploymentState, deploymentState, deploymentStateRow } from './deployments.ts'

/** `fingerprint` is a digest of method, path and body. The same key with another fingerprint is refused. */
export type IdempotencyKey = { key: string; fingerprint: string }

/** An accepted request; `actionId` is null when it started no action. */
export type AcceptedRequest = { actionId: number | null }

/** Times on the clock of the database, in milliseconds. */
export type RequestWindow = {
  arrivedAtMs: number
  /** Later the client has an answer already. */
  notAfterMs: number
}

/**
 * Called with a connection in hand, right before the statement that acts: the wait for a connection may be long.
 * Rejects when the request must not act any more.
 */
export type BeginWrite = () => Promise<RequestWindow>

const databaseTime = sql.fragment`extract(epoch from clock_timestamp())::float8 * 1000`
const databaseTimeRow = z.object({ databaseTimeMs: z.number() })

export async function readDatabaseTime(pool: Database): Promise<number> {
  return pool.oneFirst(sql.type(databaseTimeRow)`select ${databaseTime} as "databaseTimeMs"`)
}

const keyRow = z.object({ fingerprint: z.string(), action_id: z.number().nullable() })
const contextRow = databaseTimeRow.extend({
  stored: keyRow.nullable(),
  deployment: deploymentStateRow.nullable(),
})

/**
 * What a request reads first. `accepted`: an earlier request with its key. `deployment`: null without `name` and for an
 * unknown name.
 */
export type RequestContext = {
  databaseTimeMs: number
  accepted: AcceptedRequest | null
  deployment: DeploymentState | null
}

/** Reads without a lock. Throws idempotency_key_reused. */
export async function readRequestContext(
  pool: Database,
  key: IdempotencyKey | undefined,
  name?: string,
): Promise<RequestContext> {
  const deployment =
    name === undefined
      ? sql.fragment`null::json`
      : sql.fragment`(select row_to_json(s) from (${deploymentState(name)}) s)`
  const { databaseTimeMs, stored, ...row } = await pool.one(sql.type(contextRow)`
    select ${databaseTime} as "databaseTimeMs",
      (select row_to_json(k) from idempotency_keys k where key = ${key?.key ?? null}) as stored,
      ${deployment} as deployment`)
  return {
    databaseTimeMs,
    accepted: stored === null ? null : toAccepted(stored, key?.fingerprint),
    deployment: row.deployment,
  }
}

/**
 * Inserts the key in the transaction that does the work. Returns null for a new key, else the result of the first
 * request. A concurrent request with the same key waits here until the first one has committed or failed.
 */
export async function claimIdempotencyKey(
  transaction: Transaction,
  { key, fingerprint }: IdempotencyKey,
): Promise<AcceptedRequest | null> {
  const inserted = await transaction.query(sql.unsafe`
    insert into idempotency_keys (key, fingerprint) values (${key}, ${fingerprint}) on conflict do nothing`)
  if (inserted.rowCount === 1) return null
  const stored = await transaction.one(sql.type(keyRow)`
    select fingerprint, action_id from idempotency_keys where key = ${key}`)
  return toAccepted(stored, fingerprint)
}

/** True when the request may act. The database raises an error otherwise: {@link isLateRequest}. */
export function inTime(key: IdempotencyKey | undefined, window: RequestWindow | null) {
  const seconds = (ms: number | undefined) => sql.fragment`${ms === undefined ? null : ms / 1000}::float8`
  return sql.fragment`require_request_in_time(
    ${key?.key ?? null}, to_timestamp(${seconds(window?.arrivedAtMs)}), to_timestamp(${seconds(window?.notAfterMs)}))`
}

/** For a transaction that has its locks and has not acted yet. */
export async function requireInTime(
  transaction: Transaction,
  key: IdempotencyKey | undefined,
  window: RequestWindow | null,
): Promise<void> {
  if (window !== null) await transaction.query(sql.unsafe`select ${inTime(key, window)}`)
}

const refusedRow = keyRow.extend({ fingerprint: z.string().nullable() })

/**
 * Call it before a client is told that its request is refused: no request with this key that arrived before now acts
 * any more. Returns the accepted one if there is one; the client must be told that. A later request with the key may be
 * accepted.
 */
export async function refuseEarlierRequests(
  pool: Database,
  { key, fingerprint }: IdempotencyKey,
): Promise<AcceptedRequest | null> {
  const stored = await pool.one(sql.type(refusedRow)`
    select fingerprint, action_id from refuse_earlier_requests(${key})`)
  return stored.fingerprint === null
    ? null
    : toAccepted({ ...stored, fingerprint: stored.fingerprint }, fingerprint)
}

function toAccepted(stored: z.infer<typeof keyRow>, fingerprint: string | undefined): AcceptedRequest {
  if (stored.fingerprint !== fingerprint) throw idempotencyKeyReused()
  return { actionId: stored.action_id }
}

const goneRow = z.object({ gone: z.boolean() })

/** Whether the deployment that the create with this key has created is deleted. Both rows have the time of one transaction. */
export async function isCreatedDeploymentGone(
  pool: Database,
  { key }: IdempotencyKey,
  name: string,
): Promise<boolean> {
  return pool.oneFirst(sql.type(goneRow)`
    select not exists (
      select from idempotency_keys k join deployments d on d.created_at = k.created_at
      where k.key = ${key} and d.name = ${name}) as gone`)
}

const deletedKeysRow = z.object({ count: z.number(), lastAt: z.number().nullable() })

/** Deletes keys older than a day, in batches that fit into the time limit of one statement. */
export async function deleteOldKeys(pool: Database, batchSize = 5000): Promise<void> {
  await deleteOld(pool, 'idempotency_keys', 'created_at', batchSize)
  await deleteOld(pool, 'refused_keys', 'refused_at', batchSize)
}

async function deleteOld(
  pool: Database,
  tableName: string,
  column: string,
  batchSize: number,
): Promise<void> {
  const [table, time] = [sql.identifier([tableName]), sql.identifier([column])]
  // Each batch starts where the last one ended: an open snapshot keeps the entries of deleted keys in the index.
  let after = 0
  for (;;) {
    const { count, lastAt } = await pool.one(sql.type(deletedKeysRow)`
      with deleted as (
        delete from ${table} where key = any(array(
          select key from ${table}
          where ${time} >= to_timestamp(${after}::float8) and ${time} < now() - interval '1 day'
          order by ${time} limit ${batchSize}))
        returning ${time} as at)
      select count(*)::int as count, extract(epoch from max(at))::float8 as "lastAt" from deleted`)
    if (count < batchSize || lastAt === null) return
    // A millisecond earlier, because a float is not exact.
    after = lastAt - 0.001
  }
}
