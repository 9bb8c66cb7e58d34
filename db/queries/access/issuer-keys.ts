/** The public keys of the issuers that trust rules name. Called by functions/auth/exchange/issuer-keys.ts. */
import { sql } from 'slonik'
import { z } from 'zod'
import type { Database } from '../../pool.ts'

const keysRow = z.object({
  /** Null: they were never fetched. */
  keys: z.array(z.record(z.string(), z.string())).nullable(),
  /** How long ago, on the clock of the database. */
  fetchedAgoMs: z.number().nullable(),
  attemptedAgoMs: z.number(),
  problem: z.string().nullable(),
})
export type IssuerKeysRow = z.output<typeof keysRow>
export type PublicKey = Record<string, string>

const columns = sql.fragment`
  keys, (extract(epoch from now() - fetched_at) * 1000)::float8 as "fetchedAgoMs",
  (extract(epoch from now() - attempted_at) * 1000)::float8 as "attemptedAgoMs", problem`

export async function readIssuerKeys(pool: Database, issuer: string): Promise<IssuerKeysRow | null> {
  return pool.maybeOne(sql.type(keysRow)`select ${columns} from issuer_keys where issuer = ${issuer}`)
}

const claimedRow = z.object({ issuer: z.string() })

/** Whether this server may ask the issuer now: none has asked in the last `intervalMs`. */
export async function claimKeyFetch(pool: Database, issuer: string, intervalMs: number): Promise<boolean> {
  const claimed = await pool.maybeOne(sql.type(claimedRow)`
    insert into issuer_keys (issuer, attempted_at) values (${issuer}, now())
    on conflict (issuer) do update set attempted_at = now()
    where issuer_keys.attempted_at <= now() - ${intervalMs}::float8 * interval '1 ms'
    returning issuer`)
  return claimed !== null
}

/** Issuers whose keys have not counted for a month are forgotten. */
export async function saveIssuerKeys(
  pool: Database,
  issuer: string,
  keys: readonly PublicKey[],
): Promise<void> {
  await pool.query(sql.unsafe`
    with forgotten as (
      delete from issuer_keys
      where issuer <> ${issuer} and greatest(fetched_at, attempted_at) < now() - interval '30 days')
    update issuer_keys set keys = ${JSON.stringify(keys)}::jsonb, fetched_at = now(), problem = null where issuer = ${issuer}`)
}

export async function saveKeyProblem(pool: Database, issuer: string, problem: string): Promise<void> {
  await pool.query(sql.unsafe`update issuer_keys set problem = ${problem} where issuer = ${issuer}`)
}
