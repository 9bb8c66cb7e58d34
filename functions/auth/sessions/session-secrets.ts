/**
 * The secret id of a session, and what is encrypted under it. Only the browser has the id: the database has its SHA-256, so that a
 * copy of the database is of no use.
 */
import { createCipheriv, createDecipheriv, createHmac, hash, hkdfSync, randomBytes } from 'node:crypto'

export const createSessionId = (): string => randomBytes(32).toString('base64url')
export const isSessionId = (text: string): boolean => /^[\w-]{43}$/.test(text)
export const hashSessionId = (sessionId: string): string => hash('sha256', sessionId)

/** Finds out whether a shared credential is still the one that the session was made with. */
export const macOf = (sessionId: string, credential: string): string =>
  createHmac('sha256', sessionId).update(credential).digest('hex')

export type ProviderTokens = { refreshToken: string; idToken: string | null }

const ivBytes = 12
const tagBytes = 16

export function encryptTokens(sessionId: string, tokens: ProviderTokens): Buffer {
  const iv = randomBytes(ivBytes)
  const cipher = createCipheriv('aes-256-gcm', keyOf(sessionId), iv)
  const text = Buffer.concat([cipher.update(JSON.stringify(tokens)), cipher.final()])
  return Buffer.concat([iv, cipher.getAuthTag(), text])
}

/** Throws for bytes that were not encrypted under this id. */
export function decryptTokens(sessionId: string, bytes: Buffer): ProviderTokens {
  const decipher = createDecipheriv('aes-256-gcm', keyOf(sessionId), bytes.subarray(0, ivBytes))
  decipher.setAuthTag(bytes.subarray(ivBytes, ivBytes + tagBytes))
  const text = Buffer.concat([decipher.update(bytes.subarray(ivBytes + tagBytes)), decipher.final()])
  return JSON.parse(text.toString()) as ProviderTokens
}

const keyOf = (sessionId: string) =>
  Buffer.from(hkdfSync('sha256', sessionId, '', 'octopod provider tokens', 32))
