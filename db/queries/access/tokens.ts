/** Access tokens. The token itself never comes here, only its SHA-256. Called by functions/auth/tokens. */
import { sql } from 'slonik'
import { z } from 'zod'
import { roles } from '../../../domain/access/roles.ts'
import type { Database } from '../../pool.ts'
import { type AuditActor, auditEntryCall, systemActor } from '../audit/insert-entry.ts'

/** `exchange`: of a CI job, for its ID token. */
const tokenKinds = ['personal', 'service', 'exchange'] as const

const tokenRow = z.object({
  id: z.number(),
  tokenHash: z.string(),
  kind: z.enum(tokenKinds),
  issuer: z.string(),
  subject: z.string(),
  name: z.string(),
  ownerGroup: z.string().nullable(),
  role: z.enum(roles),
  names: z.array(z.string()),
  /** The groups of the owner at the last sign-in. */
  groups: z.array(z.string()),
  /** Of the ID token, only for `exchange`. */
  claims: z.record(z.string(), z.unknown()).nullable(),
  state: z.enum(['valid', 'expired', 'revoked']),
  expiresAt: z.string(),
  expiresInMs: z.number(),
  usedAgoMs: z.number().nullable(),
  /** The shared credential that has approved it, and its HMAC under the token: its rights count, as long as its value does. */
  credential: z.enum(['admin', 'user']).nullable(),
  credentialMac: z.string().nullable(),
})
export type TokenRecord = z.output<typeof tokenRow>

const state = sql.fragment`case when t.revoked_at is not null then 'revoked' when t.expires_at <= now() then 'expired' else 'valid' end`

/** Also expired and revoked ones, so that a client learns why its token counts no more. */
export async function findTokens(
  pool: Database,
  tokenHashes: readonly string[],
): Promise<readonly TokenRecord[]> {
  return pool.any(sql.type(tokenRow)`
    select t.id, encode(t.token_hash, 'hex') as "tokenHash", t.kind, t.issuer, t.subject, t.name,
      t.owner_group as "ownerGroup", t.role, t.names, coalesce(p.groups, '[]') as groups, t.claims, ${state} as state,
      to_api_time(t.expires_at) as "expiresAt", (extract(epoch from t.expires_at - now()) * 1000)::float8 as "expiresInMs",
      (extract(epoch from now() - t.last_used_at) * 1000)::float8 as "usedAgoMs",
      t.credential, encode(t.credential_mac, 'hex') as "credentialMac"
    from access_tokens t left join people p on p.issuer = t.issuer and p.subject = t.subject
    where t.token_hash in (select decode(hash, 'hex') from unnest(${sql.array([...tokenHashes], 'text')}) as hash)`)
}

export type NewToken = Pick<
  TokenRecord,
  | 'tokenHash'
  | 'kind'
  | 'issuer'
  | 'subject'
  | 'name'
  | 'ownerGroup'
  | 'role'
  | 'names'
  | 'credential'
  | 'credentialMac'
> & {
  label: string
  createdBy: string
  lifetimeMs: number
  /** Who creates it, for the audit log. Default: who will act with it. */
  by?: AuditActor
}

const idRow = z.object({ id: z.number() })

/** Ended tokens of people and services stay in their lists this long. */
const keepEnded = sql.fragment`interval '90 days'`

/** Undefined: the person or service has too many valid tokens. Also deletes what has ended long ago, some at a time. */
export async function insertToken(
  pool: Pick<Database, 'maybeOne'>,
  token: NewToken,
  maxTokens: number,
): Promise<number | undefined> {
  const { tokenHash, kind, label, issuer, subject, name, ownerGroup, createdBy, role, names } = token
  const { credential, credentialMac, by = ownerAsActor(token) } = token
  const entry = auditEntryCall(
    {
      by,
      operation: 'create_token',
      details: {
        kind,
        label,
        name,
        subject,
        issuer,
        owner_group: ownerGroup,
        role,
        names: names.slice(0, 20),
      },
    },
    sql.fragment`jsonb_build_object('token_id', id)`,
  )
  const row = await pool.maybeOne(sql.type(idRow)`
    with ended as (
      delete from access_tokens where id in (
        select id from access_tokens where kind <> 'exchange' and least(expires_at, revoked_at) < now() - ${keepEnded}
        limit 1000 for update skip locked)),
    inserted as (insert into access_tokens (kind, token_hash, label, issuer, subject, name, owner_group, created_by, role, names, expires_at,
      credential, credential_mac)
    select ${kind}, decode(${tokenHash}, 'hex'), ${label}, ${issuer}, ${subject}, ${name}, ${ownerGroup}, ${createdBy}, ${role},
      ${JSON.stringify(names)}::jsonb, now() + ${token.lifetimeMs}::float8 * interval '1 ms',
      ${credential}, decode(${credentialMac}::text, 'hex')
    where (select count(*) from access_tokens t where t.issuer = ${issuer} and t.subject = ${subject} and ${state} = 'valid')
      < ${maxTokens}
    returning id)
    select id, ${entry} as entry from inserted`)
  return row?.id
}

/** Who will act with the token, for the audit log. */
export const ownerAsActor = ({ name, issuer, subject, credential }: NewToken): AuditActor => ({
  ...systemActor,
  actor: name,
  person: credential === null ? { issuer, subject } : null,
  proof: credential !== null ? 'shared' : issuer === 'proxy' ? 'proxy' : 'oidc',
})

export async function recordTokenUse(pool: Database, tokenHash: string, address: string): Promise<void> {
  await pool.query(sql.unsafe`
    update access_tokens set last_used_at = now(), last_used_address = ${address}
    where token_hash = decode(${tokenHash}, 'hex')`)
}

const listedRow = z.object({
  token_id: z.number(),
  kind: z.enum(tokenKinds),
  label: z.string(),
  name: z.string(),
  issuer: z.string(),
  subject: z.string(),
  owner_group: z.string().nullable(),
  created_by: z.string(),
  role: z.enum(roles),
  names: z.array(z.string()),
  created_at: z.string(),
  expires_at: z.string(),
  last_used_at: z.string().nullable(),
  last_used_address: z.string().nullable(),
  state: z.enum(['valid', 'expired', 'revoked']),
})
export type ListedToken = z.output<typeof listedRow>

/** Whose tokens somebody sees: those of the person, and those of services that the groups own. `person` null: all. */
export type TokenViewer = { person: { issuer: string; subject: string } | null; groups: readonly string[] }

const isVisibleTo = ({ person, groups }: TokenViewer) => sql.fragment`(${person === null}
  or (t.issuer = ${person?.issuer ?? null} and t.subject = ${person?.subject ?? null})
  or t.owner_group = any(${sql.array([...groups], 'text')}))`

/** At most 1,000: valid ones first, of these the tokens of CI jobs last, which end soon, and then the newest first. */
export async function listTokens(pool: Database, viewer: TokenViewer): Promise<readonly ListedToken[]> {
  return pool.any(sql.type(listedRow)`
    select t.id as token_id, t.kind, t.label, t.name, t.issuer, t.subject, t.owner_group, t.created_by, t.role, t.names,
      to_api_time(t.created_at) as created_at, to_api_time(t.expires_at) as expires_at,
      to_api_time(t.last_used_at) as last_used_at, t.last_used_address, ${state} as state
    from access_tokens t
    where ${isVisibleTo(viewer)}
    order by ${state} <> 'valid', t.kind = 'exchange', t.id desc limit 1000`)
}

export async function isTokenVisible(pool: Database, id: number, viewer: TokenViewer): Promise<boolean> {
  const found = await pool.maybeOne(sql.type(idRow)`
    select t.id from access_tokens t where t.id = ${id} and ${isVisibleTo(viewer)}`)
  return found !== null
}

const revokedRow = z.object({ tokenHash: z.string() })

/** Null: it is revoked already, or does not exist. */
export async function revokeToken(
  pool: Database,
  id: number,
  revokedBy: string,
  by: AuditActor,
): Promise<string | null> {
  const entry = auditEntryCall(
    { by, operation: 'revoke_token', details: { token_id: id } },
    sql.fragment`jsonb_build_object('label', label, 'name', name, 'subject', subject)`,
  )
  const revoked = await pool.maybeOne(sql.type(revokedRow)`
    with revoked as (
      update access_tokens set revoked_at = now(), revoked_by = ${revokedBy} where id = ${id} and revoked_at is null
      returning token_hash, label, name, subject)
    select encode(token_hash, 'hex') as "tokenHash", ${entry} as entry from revoked`)
  return revoked?.tokenHash ?? null
}
