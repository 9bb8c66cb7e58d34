/**
 * Remembers which value of a shared credential has approved a login, from the approval to the token a few seconds later. The
 * value may be short, so the hash is slow: a copy of the database does not give the credential. Used by device-flow.ts and
 * device-handlers.ts.
 */
import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto'
import { promisify } from 'node:util'

const derive = promisify<string, Buffer, number, Buffer>(scrypt)
const saltBytes = 16
const hashBytes = 32

export async function hashCredential(value: string): Promise<Buffer> {
  const salt = randomBytes(saltBytes)
  return Buffer.concat([salt, await derive(value, salt, hashBytes)])
}

/** The value with that hash; null when none has it. */
export async function findHashedCredential(
  values: readonly string[],
  hashed: Buffer,
): Promise<string | null> {
  const salt = hashed.subarray(0, saltBytes)
  for (const value of values)
    if (timingSafeEqual(await derive(value, salt, hashBytes), hashed.subarray(saltBytes))) return value
  return null
}
