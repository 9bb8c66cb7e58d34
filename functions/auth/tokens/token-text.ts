/**
 * The text of an access token: `octopod_pat_`, `octopod_svc_` or `octopod_job_`, 36 random characters and a checksum of 6. Secret scanners find it by
 * the prefix, and the checksum tells a mistyped one from a revoked one without a query.
 */
import { hash, randomInt } from 'node:crypto'
import { crc32 } from 'node:zlib'

export type TokenKind = 'personal' | 'service' | 'exchange'

const prefixes: Record<TokenKind, string> = {
  personal: 'octopod_pat_',
  service: 'octopod_svc_',
  exchange: 'octopod_job_',
}
const alphabet = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
/** 36 of 62 characters are 214 bits. */
const randomLength = 36
const checksumLength = 6

export function createTokenText(kind: TokenKind): string {
  const random = Array.from({ length: randomLength }, () => alphabet[randomInt(alphabet.length)]).join('')
  return prefixes[kind] + random + checksumOf(prefixes[kind] + random)
}

/** The token in an Authorization header with the scheme Bearer; null when the header holds no token of Octopod. */
export function tokenOf(authorization: string | null | undefined): string | null {
  const [, token] = /^Bearer +(octopod_(?:pat|svc|job)_\S*)$/i.exec(authorization ?? '') ?? []
  return token ?? null
}

/** Whether it is whole: the right length and checksum. */
export function isWellFormed(token: string): boolean {
  const [, body = '', checksum = ''] =
    /^(octopod_(?:pat|svc|job)_[0-9A-Za-z]{36})([0-9A-Za-z]{6})$/.exec(token) ?? []
  return body !== '' && checksum === checksumOf(body)
}

export const hashToken = (token: string): string => hash('sha256', token)

function checksumOf(text: string): string {
  let rest = crc32(text)
  let checksum = ''
  for (let at = 0; at < checksumLength; at += 1) {
    checksum = alphabet[rest % alphabet.length] + checksum
    rest = Math.floor(rest / alphabet.length)
  }
  return checksum
}
