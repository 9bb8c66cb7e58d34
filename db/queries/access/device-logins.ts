/**
 * Programs that wait for a person to approve them (RFC 8628). The device code never comes here, only its SHA-256. Called by
 * functions/auth/device.
 */
import { sql } from 'slonik'
import { z } from 'zod'
import { type Role, roles } from '../../../domain/access/roles.ts'
import type { Database } from '../../pool.ts'
import { type AuditActor, auditEntryCall } from '../audit/insert-entry.ts'
import { toBytea } from '../sql-fragments.ts'
import { insertToken, type NewToken, ownerAsActor } from './tokens.ts'

export type NewDeviceLogin = {
  deviceCodeHash: string
  userCode: string
  clientName: string
  address: string
  addressGroup: string
  lifetimeMs: number
}

const idRow = z.object({ id: z.number() })

/**
 * False: the code is taken, or too many wait already. Requests at the same time may exceed the limits by their number, which is
 * limited too.
 */
export async function insertDeviceLogin(
  pool: Database,
  login: NewDeviceLogin,
  { maxPending, maxPendingOfAddress }: { maxPending: number; maxPendingOfAddress: number },
): Promise<boolean> {
  const { deviceCodeHash, userCode, clientName, address, addressGroup, lifetimeMs } = login
  const row = await pool.maybeOne(sql.type(idRow)`
    insert into device_logins (device_code_hash, user_code, client_name, address, address_group, expires_at)
    select decode(${deviceCodeHash}, 'hex'), ${userCode}, ${clientName}, ${address}, ${addressGroup},
      now() + ${lifetimeMs}::float8 * interval '1 ms'
    from (
      select count(*) as pending, count(*) filter (where address_group = ${addressGroup}) as of_address
      from device_logins where expires_at > now() and state = 'pending'
    ) counted
    where pending < ${maxPending} and of_address < ${maxPendingOfAddress}
    on conflict (user_code) do nothing
    returning id`)
  return row !== null
}

/** They are kept for an hour after their end, so that a program learns why its code counts no more. */
export async function deleteOldDeviceLogins(pool: Database): Promise<void> {
  await pool.query(sql.unsafe`
    delete from device_logins where id in (
      select id from device_logins where expires_at < now() - interval '1 hour' limit 1000)`)
}

const waitingRow = z.object({
  client_name: z.string(),
  address: z.string(),
  created_at: z.string(),
  expires_at: z.string(),
})

/** Null: the code is unknown, has expired or was used. */
export async function findWaitingLogin(
  pool: Database,
  userCode: string,
): Promise<z.output<typeof waitingRow> | null> {
  return pool.maybeOne(sql.type(waitingRow)`
    select client_name, address, to_api_time(created_at) as created_at, to_api_time(expires_at) as expires_at
    from device_logins where user_code = ${userCode} and state = 'pending' and expires_at > now()`)
}

export type Approver = {
  issuer: string
  subject: string
  name: string
  role: Role
  tokenLifetimeMs: number
  credential: 'admin' | 'user' | null
  credentialHash: Buffer | null
}

const decidedRow = z.object({ id: z.number(), client_name: z.string(), address: z.string() })
export type DecidedLogin = z.output<typeof decidedRow>

const programDetails = sql.fragment`jsonb_build_object('program', client_name, 'program_address', address)`
const dayMs = 86_400_000

/** The program asks every few seconds, so it may come after the end of the code. */
const redeemWaitMs = 60_000

/** The login is pending, or the same person has approved it and the program has not fetched its token yet. */
const isUndecidedFor = (userCode: string, issuer: string, subject: string) => sql.fragment`
  user_code = ${userCode} and expires_at > now()
  and (state = 'pending' or (state = 'approved' and issuer = ${issuer} and subject = ${subject}))`

/** Null: the code is unknown, has expired or was used. */
export async function approveDeviceLogin(
  pool: Database,
  userCode: string,
  approver: Approver,
  by: AuditActor,
): Promise<DecidedLogin | null> {
  const { issuer, subject, name, role, tokenLifetimeMs, credential, credentialHash } = approver
  const days = Math.round(tokenLifetimeMs / dayMs)
  const entry = auditEntryCall({ by, operation: 'approve_login', details: { role, days } }, programDetails)
  return pool.maybeOne(sql.type(decidedRow)`
    with decided as (update device_logins set state = 'approved', issuer = ${issuer}, subject = ${subject}, name = ${name}, role = ${role},
      token_lifetime_ms = ${tokenLifetimeMs}, credential = ${credential}, credential_hash = ${toBytea(credentialHash)},
      expires_at = greatest(expires_at, now() + ${redeemWaitMs}::float8 * interval '1 ms')
    where ${isUndecidedFor(userCode, issuer, subject)}
    returning id, client_name, address)
    select id, client_name, address, ${entry} as entry from decided`)
}

/** Null: the code is unknown, has expired or was used. */
export async function denyDeviceLogin(
  pool: Database,
  userCode: string,
  { issuer, subject, name }: Pick<Approver, 'issuer' | 'subject' | 'name'>,
  by: AuditActor,
): Promise<DecidedLogin | null> {
  const entry = auditEntryCall({ by, operation: 'deny_login' }, programDetails)
  return pool.maybeOne(sql.type(decidedRow)`
    with decided as (update device_logins set state = 'denied', issuer = ${issuer}, subject = ${subject}, name = ${name},
      credential_hash = null
    where ${isUndecidedFor(userCode, issuer, subject)}
    returning id, client_name, address)
    select id, client_name, address, ${entry} as entry from decided`)
}

const loginRow = z.object({
  state: z.enum(['pending', 'approved', 'denied', 'redeemed', 'expired']),
  credential: z.enum(['admin', 'user']).nullable(),
  credentialHash: z.string().nullable(),
  tokenId: z.number().nullable(),
})
export type DeviceLogin = z.output<typeof loginRow>

/** Null: there is none with this device code. */
export async function findDeviceLogin(pool: Database, deviceCodeHash: string): Promise<DeviceLogin | null> {
  return pool.maybeOne(sql.type(loginRow)`
    select case when state in ('pending', 'approved') and expires_at <= now() then 'expired' else state end as state,
      credential, encode(credential_hash, 'hex') as "credentialHash", token_id as "tokenId"
    from device_logins where device_code_hash = decode(${deviceCodeHash}, 'hex')`)
}

const redeemedRow = z.object({
  label: z.string(),
  issuer: z.string(),
  subject: z.string(),
  name: z.string(),
  role: z.enum(roles),
  lifetimeMs: z.number(),
  credential: z.enum(['admin', 'user']).nullable(),
})
export type RedeemedLogin = z.output<typeof redeemedRow> & {
  /** Null: the person has too many valid tokens. */
  tokenId: number | null
}

/** Makes the token of an approved login, once. Null: it is not approved, or was redeemed before. */
export async function redeemDeviceLogin(
  pool: Database,
  deviceCodeHash: string,
  { tokenHash, credentialMac }: Pick<NewToken, 'tokenHash' | 'credentialMac'>,
  maxTokens: number,
  asked: Pick<AuditActor, 'address' | 'requestId'>,
): Promise<RedeemedLogin | null> {
  return pool.transaction(async (transaction) => {
    const login = await transaction.maybeOne(sql.type(redeemedRow)`
      update device_logins set state = 'redeemed', credential_hash = null
      where device_code_hash = decode(${deviceCodeHash}, 'hex') and state = 'approved' and expires_at > now()
      returning client_name as label, issuer, subject, name, role, token_lifetime_ms as "lifetimeMs", credential`)
    if (login === null) return null
    const token: NewToken = {
      ...login,
      tokenHash,
      credentialMac,
      kind: 'personal',
      ownerGroup: null,
      createdBy: login.name,
      names: ['*'],
    }
    token.by = { ...ownerAsActor(token), ...asked }
    const tokenId = await insertToken(transaction, token, maxTokens)
    if (tokenId === undefined) return { ...login, tokenId: null }
    await transaction.query(sql.unsafe`
      update device_logins set token_id = ${tokenId} where device_code_hash = decode(${deviceCodeHash}, 'hex')`)
    return { ...login, tokenId }
  })
}
