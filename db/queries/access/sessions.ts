/**
 * Sessions of signed-in people. The id in the cookie never comes here: only its SHA-256, which finds a session and cannot
 * be used as one. Called by functions/auth/sessions.
 */
import { sql } from 'slonik'
import { z } from 'zod'
import type { Database } from '../../pool.ts'
import { type AuditActor, auditEntryCall, insertAuditEntry, systemActor } from '../audit/insert-entry.ts'
import { toBytea } from '../sql-fragments.ts'

const sessionRow = z.object({
  id: z.number(),
  tokenHash: z.string(),
  proof: z.enum(['oidc', 'shared']),
  issuer: z.string().nullable(),
  subject: z.string().nullable(),
  name: z.string(),
  email: z.string().nullable(),
  groups: z.array(z.string()),
  credential: z.enum(['admin', 'user']).nullable(),
  credentialMac: z.string().nullable(),
  /** How long ago, on the clock of the database. */
  seenAgoMs: z.number(),
  groupsReadAgoMs: z.number(),
  hasProviderTokens: z.boolean(),
})
export type SessionRecord = z.output<typeof sessionRow>

const columns = sql.fragment`
  id, encode(token_hash, 'hex') as "tokenHash", proof, issuer, subject, name, email, groups, credential,
  encode(credential_mac, 'hex') as "credentialMac",
  (extract(epoch from now() - last_seen_at) * 1000)::float8 as "seenAgoMs",
  (extract(epoch from now() - groups_read_at) * 1000)::float8 as "groupsReadAgoMs",
  provider_tokens is not null as "hasProviderTokens"`

const isValid = (idleMs: number) =>
  sql.fragment`expires_at > now() and last_seen_at > now() - ${idleMs}::float8 * interval '1 ms'`

/** Valid sessions among those with these hashes (hex). */
export async function findSessions(
  pool: Database,
  tokenHashes: readonly string[],
  idleMs: number,
): Promise<readonly SessionRecord[]> {
  return pool.any(sql.type(sessionRow)`
    select ${columns} from sessions
    where token_hash in (select decode(hash, 'hex') from unnest(${sql.array([...tokenHashes], 'text')}) as hash)
      and ${isValid(idleMs)}`)
}

export type NewSession = Pick<
  SessionRecord,
  'tokenHash' | 'proof' | 'issuer' | 'subject' | 'name' | 'email' | 'groups' | 'credential' | 'credentialMac'
> & {
  providerTokens: Buffer | null
  maxAgeMs: number
  address: string
  userAgent: string
  /** For the audit log. */
  requestId: string | null
}

/** A person has this many sessions at most; the oldest end. */
const maxSessionsOfPerson = 50

const surplusEntry = auditEntryCall(
  { by: systemActor, operation: 'end_session', details: { message: 'too many sessions' } },
  sql.fragment`jsonb_build_object('session_id', id, 'name', name, 'subject', subject)`,
)

const hashRow = z.object({ tokenHash: z.string() })

/** Also notes the person. Returns the hashes of sessions that ended, because the person has too many. */
export async function insertSession(pool: Database, session: NewSession): Promise<readonly string[]> {
  const { tokenHash, proof, issuer, subject, name, email, groups, credential, credentialMac } = session
  return pool.transaction(async (transaction) => {
    await transaction.query(sql.unsafe`
      insert into sessions (token_hash, proof, issuer, subject, name, email, groups, credential, credential_mac,
        provider_tokens, expires_at, address, user_agent)
      values (decode(${tokenHash}, 'hex'), ${proof}, ${issuer}, ${subject}, ${name}, ${email}, ${JSON.stringify(groups)}::jsonb,
        ${credential}, decode(${credentialMac}::text, 'hex'), ${toBytea(session.providerTokens)},
        now() + ${session.maxAgeMs}::float8 * interval '1 ms', ${session.address}, ${session.userAgent})`)
    const person = issuer === null || subject === null ? null : { issuer, subject }
    const { address, requestId, userAgent } = session
    const by = { ...systemActor, actor: name, person, proof, address, requestId }
    await insertAuditEntry(transaction, { by, operation: 'sign_in', details: { user_agent: userAgent } })
    if (person === null) return []
    await transaction.query(sql.unsafe`
      insert into people (issuer, subject, name, email, groups)
      values (${issuer}, ${subject}, ${name}, ${email}, ${JSON.stringify(groups)}::jsonb)
      on conflict (issuer, subject) do update
      set name = excluded.name, email = excluded.email, groups = excluded.groups, last_seen_at = now()`)
    const ended = await transaction.any(sql.type(hashRow)`
      delete from sessions where id in (
        select id from sessions where issuer = ${issuer} and subject = ${subject}
        order by last_seen_at desc, id desc offset ${maxSessionsOfPerson})
      returning encode(token_hash, 'hex') as "tokenHash", ${surplusEntry} as entry`)
    return ended.map((one) => one.tokenHash)
  })
}

export async function touchSession(pool: Database, tokenHash: string): Promise<void> {
  await pool.query(sql.unsafe`
    update sessions set last_seen_at = now() where token_hash = decode(${tokenHash}, 'hex')`)
}

const tokensRow = z.object({ providerTokens: z.string() })

/**
 * Lets one server at a time use the refresh token of a session, for `claimMs`. Returns the encrypted tokens (hex); null when
 * another server has them, or the groups were read less than `intervalMs` ago.
 */
export async function claimRefresh(
  pool: Database,
  tokenHash: string,
  { intervalMs, claimMs }: { intervalMs: number; claimMs: number },
): Promise<string | null> {
  return pool.maybeOneFirst(sql.type(tokensRow)`
    update sessions set refresh_claimed_until = now() + ${claimMs}::float8 * interval '1 ms'
    where token_hash = decode(${tokenHash}, 'hex') and provider_tokens is not null
      and groups_read_at <= now() - ${intervalMs}::float8 * interval '1 ms'
      and (refresh_claimed_until is null or refresh_claimed_until <= now())
    returning encode(provider_tokens, 'hex') as "providerTokens"`)
}

export type RefreshedSession = Pick<SessionRecord, 'name' | 'email' | 'groups'> & { providerTokens: Buffer }

export async function saveRefresh(
  pool: Database,
  tokenHash: string,
  { name, email, groups, providerTokens }: RefreshedSession,
): Promise<void> {
  await pool.query(sql.unsafe`
    with refreshed as (
      update sessions set name = ${name}, email = ${email}, groups = ${JSON.stringify(groups)}::jsonb,
        provider_tokens = ${toBytea(providerTokens)}, groups_read_at = now(), refresh_claimed_until = null
      where token_hash = decode(${tokenHash}, 'hex')
      returning issuer, subject)
    update people p set name = ${name}, email = ${email}, groups = ${JSON.stringify(groups)}::jsonb, last_seen_at = now()
    from refreshed r where p.issuer = r.issuer and p.subject = r.subject`)
}

const endedRow = z.object({ tokenHash: z.string(), providerTokens: z.string().nullable() })
export type EndedSession = z.output<typeof endedRow>

/** Who ends a session: its own person, by signing out, or somebody else. */
export type EndedBy = Pick<AuditActor, 'address' | 'requestId'> | AuditActor

/** Null: it had ended already. */
export async function endSession(
  pool: Database,
  tokenHash: string,
  by: EndedBy,
): Promise<EndedSession | null> {
  const entry =
    'actor' in by
      ? auditEntryCall(
          { by, operation: 'end_session' },
          sql.fragment`jsonb_build_object('session_id', id, 'name', name, 'subject', subject)`,
        )
      : sql.fragment`insert_audit_entry('sign_out', 'accepted', name, issuer, subject, proof, null, null, null, ${by.address},
          ${by.requestId}, null, null, 1, json_build_object('session_id', id))`
  return pool.maybeOne(sql.type(endedRow)`
    with ended as (delete from sessions where token_hash = decode(${tokenHash}, 'hex') returning *)
    select encode(token_hash, 'hex') as "tokenHash", encode(provider_tokens, 'hex') as "providerTokens", ${entry} as entry
    from ended`)
}

const listedRow = z.object({
  session_id: z.number(),
  name: z.string(),
  issuer: z.string().nullable(),
  subject: z.string().nullable(),
  proof: z.enum(['oidc', 'shared']),
  created_at: z.string(),
  last_seen_at: z.string(),
  expires_at: z.string(),
  address: z.string(),
  user_agent: z.string(),
  tokenHash: z.string(),
})
export type ListedSession = z.output<typeof listedRow>

/** The latest used first, at most 500. `person` null: of everybody. */
export async function listSessions(
  pool: Database,
  person: { issuer: string; subject: string } | null,
  idleMs: number,
): Promise<readonly ListedSession[]> {
  return pool.any(sql.type(listedRow)`
    select id as session_id, name, issuer, subject, proof, to_api_time(created_at) as created_at,
      to_api_time(last_seen_at) as last_seen_at, to_api_time(expires_at) as expires_at, address, user_agent,
      encode(token_hash, 'hex') as "tokenHash"
    from sessions
    where ${isValid(idleMs)}
      and (${person === null} or (issuer = ${person?.issuer ?? null} and subject = ${person?.subject ?? null}))
    order by last_seen_at desc, id desc limit 500`)
}

/** Ended sessions are of no use to anybody. */
export async function deleteExpiredSessions(pool: Database, idleMs: number): Promise<void> {
  await pool.query(sql.unsafe`
    delete from sessions where id in (select id from sessions where not (${isValid(idleMs)}) limit 1000)`)
}
