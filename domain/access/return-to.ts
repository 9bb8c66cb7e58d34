/**
 * Where a browser goes after signing in: only to a path of this installation. Used by the server and the page, which both read
 * it from an address that anybody can write. Free of zod: the page loads it.
 */

export const maxReturnToLength = 2000

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
