/** Tokens that CI jobs got for an ID token. They are found like other access tokens. Called by functions/auth/exchange. */
import { sql } from 'slonik'
import { z } from 'zod'
import type { Database } from '../../pool.ts'
import { type AuditActor, auditEntryCall } from '../audit/insert-entry.ts'
import type { TokenRecord } from './tokens.ts'

export type NewExchangedToken = Pick<
  TokenRecord,
  'tokenHash' | 'issuer' | 'subject' | 'name' | 'role' | 'names'
> & {
  claims: Readonly<Record<string, unknown>>
  label: string
  lifetimeMs: number
  /** Of the run; null: not known. */
  link: string | null
  /** For the audit log. */
  by: AuditActor
  /** Null: the ID token may be used again. */
  once: { hash: string; expiresAtSeconds: number } | null
}

const insertedRow = z.object({ id: z.number() })

/** A client learns from an ended one that it has ended. */
const keepEnded = sql.fragment`interval '10 minutes'`

/** Null: the ID token counts once, and it was used. Also writes the audit entry, and deletes what has ended, some at a time. */
export async function insertExchangedToken(pool: Database, token: NewExchangedToken): Promise<number | null> {
  const { tokenHash, issuer, subject, name, role, names, claims, label, once, link, by } = token
  const details = { name, rule: label, role, names: names.slice(0, 20), link }
  const entry = auditEntryCall(
    { by, operation: 'exchange_token', details },
    sql.fragment`jsonb_build_object('token_id', id)`,
  )
  const row = await pool.maybeOne(sql.type(insertedRow)`
    with ended_tokens as (
      delete from access_tokens where id in (
        select id from access_tokens where kind = 'exchange' and expires_at < now() - ${keepEnded}
        order by expires_at limit 1000 for update skip locked)),
    ended_uses as (
      delete from used_id_tokens where hash in (
        select hash from used_id_tokens where expires_at < now() order by expires_at limit 1000 for update skip locked)),
    used as (
      insert into used_id_tokens (hash, expires_at)
      select decode(${once?.hash ?? null}::text, 'hex'), to_timestamp(${once?.expiresAtSeconds ?? null}::float8)
      where ${once !== null}
      on conflict do nothing returning 1),
    inserted as (insert into access_tokens (kind, token_hash, label, issuer, subject, name, created_by, role, names, claims, expires_at)
    select 'exchange', decode(${tokenHash}, 'hex'), ${label}, ${issuer}, ${subject}, ${name}, ${name}, ${role},
      ${JSON.stringify(names)}::jsonb, ${JSON.stringify(claims)}::jsonb, now() + ${token.lifetimeMs}::float8 * interval '1 ms'
    where ${once === null} or exists (select from used)
    returning id)
    select id, ${entry} as entry from inserted`)
  return row?.id ?? null
}
