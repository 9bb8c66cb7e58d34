/** Reads and verifies ID tokens of CI systems. Everything about them is from outside until the signature is checked. */
import {
  createLocalJWKSet,
  decodeJwt,
  decodeProtectedHeader,
  errors,
  type JSONWebKeySet,
  jwtVerify,
} from 'jose'
import type { Claims } from '../../../domain/access/trust/claims.ts'
import { ApiError } from '../../../domain/errors.ts'

export const maxIdTokenLength = 16 * 1024
const maxClaims = 200
const clockToleranceSeconds = 60

/** Asymmetric ones: with HS256 the public key would be the secret. */
const algorithms = [
  ...['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519'],
]

/** What a token says of itself. Nothing of it is proved yet. */
export type UnverifiedToken = { issuer: string; kid: string | undefined }

export const rejected = (message: string): ApiError => new ApiError('id_token_rejected', message)

/** Throws id_token_rejected. */
export function readIdToken(token: string): UnverifiedToken {
  if (token.split('.').length !== 3)
    throw rejected(
      'This is no ID token: it does not have three parts that points separate. It may be truncated.',
    )
  try {
    const { alg = 'none', kid, typ } = decodeProtectedHeader(token)
    const { iss } = decodeJwt(token)
    if (!algorithms.includes(alg))
      throw rejected(`This ID token is signed with ${shown(alg)}: a signature with a public key is needed.`)
    // Other tokens of the same issuer, such as its access tokens, are no ID tokens.
    if (typ !== undefined && String(typ).toUpperCase() !== 'JWT')
      throw rejected(`This token has the type ${shown(typ)}: an ID token is needed.`)
    if (typeof iss !== 'string' || iss === '') throw rejected('This ID token names no issuer.')
    return { issuer: iss, kid: typeof kid === 'string' ? kid : undefined }
  } catch (error) {
    if (error instanceof ApiError) throw error
    throw rejected('This is no ID token: a part of it cannot be decoded. It may be truncated.')
  }
}

export type VerifiedToken = { claims: Claims; subject: string; expiresAtSeconds: number }

/** Throws id_token_rejected. The audience and the other claims are compared by the trust rules. */
export async function verifyIdToken(
  token: string,
  keys: JSONWebKeySet,
  now: Date = new Date(),
): Promise<VerifiedToken> {
  const { payload } = await jwtVerify(token, createLocalJWKSet(keys), {
    algorithms,
    clockTolerance: clockToleranceSeconds,
    currentDate: now,
    requiredClaims: ['exp', 'iat'],
  }).catch((error) => {
    throw rejected(explain(error))
  })
  const { sub, iat = 0, exp = 0 } = payload
  if (iat > now.getTime() / 1000 + clockToleranceSeconds)
    throw rejected('This ID token is not yet valid: it says that it was made later than now.')
  if (Object.keys(payload).length > maxClaims)
    throw rejected(`This ID token has more than ${maxClaims} claims.`)
  if (typeof sub !== 'string' || sub === '' || sub.length > 500)
    throw rejected('This ID token has no claim sub of at most 500 characters.')
  if (!isStorable(payload))
    throw rejected(
      'A claim of this ID token cannot be stored: it is nested too deeply, or contains NUL or half a character.',
    )
  return { claims: payload, subject: sub, expiresAtSeconds: exp }
}

function explain(error: unknown): string {
  if (error instanceof errors.JWTExpired) return 'This ID token has expired. Request a new one.'
  if (error instanceof errors.JWTClaimValidationFailed)
    return error.claim === 'nbf'
      ? 'This ID token is not yet valid.'
      : `The claim ${shown(error.claim)} of this ID token is missing or not valid.`
  if (error instanceof errors.JWKSNoMatchingKey)
    return 'This ID token is signed with a key that its issuer does not publish.'
  if (error instanceof errors.JWKSMultipleMatchingKeys)
    return 'This ID token does not say with which key it is signed (kid), and its issuer publishes several.'
  if (error instanceof errors.JWSSignatureVerificationFailed)
    return 'The signature of this ID token is wrong.'
  if (error instanceof errors.JOSEError) return 'This ID token cannot be verified.'
  throw error
}

/** PostgreSQL stores neither NUL nor half a character. */
function isStorable(value: unknown, depth = 0): boolean {
  if (typeof value === 'string') return value.isWellFormed() && !value.includes('\0')
  if (typeof value !== 'object' || value === null) return true
  if (depth > 10) return false
  return Object.entries(value).every(([key, one]) => isStorable(key) && isStorable(one, depth + 1))
}

const shown = (value: unknown) => JSON.stringify(String(value).slice(0, 40))
