/**
 * What a server must know again when the person comes back from the identity provider. It is the value of a cookie, so
 * any server can finish a sign-in. Whatever a browser sends is checked.
 */
import { z } from 'zod'

export type PendingSignIn = { state: string; nonce: string; codeVerifier: string }
export type PendingNavigation = PendingSignIn & {
  /** A path of our own, where the person goes after the sign-in. */
  returnTo: string
}

/** Browsers drop cookies beyond 4,096 bytes, with name and attributes. */
const maxValueLength = 3500
const maxReturnToLength = 2000

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

/** null for everything that encodePendingSignIn did not write. `origin` is the origin of this installation. */
export function decodePendingSignIn(
  value: string | null | undefined,
  origin: string,
): PendingNavigation | null {
  if (!value || value.length > maxValueLength || !/^[\w-]+$/.test(value)) return null
  const parsed = pendingNavigation.safeParse(parseJson(Buffer.from(value, 'base64url').toString()))
  return parsed.success ? { ...parsed.data, returnTo: safeReturnTo(parsed.data.returnTo, origin) } : null
}

/**
 * The path, query and fragment of `text` if it is a path of `origin`, else `/`. A browser that resolves the result
 * against the origin stays there. Paths of the sign-in itself become `/`, because they would begin it again.
 */
export function safeReturnTo(text: string | null | undefined, origin: string): string {
  if (!text?.startsWith('/') || text.length > maxReturnToLength || /\p{Cc}/u.test(text)) return '/'
  const url = URL.parse(text, origin)
  if (url?.origin !== new URL(origin).origin) return '/'
  const path = `${url.pathname}${url.search}${url.hash}`
  // `/.//host` is a path, but what remains of it is the address of another host.
  if (path.startsWith('//') || path.length > maxReturnToLength || /^\/auth(?:[/?#]|$)/.test(path)) return '/'
  return path
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
