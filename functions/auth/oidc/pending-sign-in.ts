/**
 * What a server must know again when the person comes back from the identity provider. It is the value of a cookie, so
 * any server can finish a sign-in. Whatever a browser sends is checked.
 */
import { z } from 'zod'
import { maxReturnToLength, safeReturnTo } from '../../../domain/access/return-to.ts'

export type PendingSignIn = { state: string; nonce: string; codeVerifier: string }
export type PendingNavigation = PendingSignIn & {
  /** A path of our own, where the person goes after the sign-in. */
  returnTo: string
}

/** Browsers drop cookies beyond 4,096 bytes, with name and attributes. */
const maxValueLength = 3500

const random = z.string().regex(/^[\w-]{43,128}$/)
const pendingNavigation = z.strictObject({
  state: random,
  nonce: random,
  codeVerifier: random,
  returnTo: z.string().max(maxReturnToLength),
})

/** A `returnTo` that does not fit into a cookie becomes `/`. */
export function encodePendingSignIn(pending: PendingNavigation): string {
  const value = encode(pending)
  return value.length <= maxValueLength ? value : encode({ ...pending, returnTo: '/' })
}

/** null for everything that encodePendingSignIn did not write. `address`: as safeReturnTo takes it. */
export function decodePendingSignIn(
  value: string | null | undefined,
  address: string,
): PendingNavigation | null {
  if (!value || value.length > maxValueLength || !/^[\w-]+$/.test(value)) return null
  const parsed = pendingNavigation.safeParse(parseJson(Buffer.from(value, 'base64url').toString()))
  return parsed.success ? { ...parsed.data, returnTo: safeReturnTo(parsed.data.returnTo, address) } : null
}

const encode = ({ state, nonce, codeVerifier, returnTo }: PendingNavigation) =>
  Buffer.from(JSON.stringify({ state, nonce, codeVerifier, returnTo })).toString('base64url')

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}
