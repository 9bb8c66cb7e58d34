/**
 * Where a browser goes after signing in: only to a path of this installation. Used by the server and the page, which both read
 * it from an address that anybody can write. Free of zod: the page loads it.
 */

export const maxReturnToLength = 2000

/**
 * The path, query and fragment of `text` if it is a path of the installation, else the first page. `address`: an origin, and
 * the path below which the page is. A browser that resolves the result against the origin stays in the installation. Paths of
 * the sign-in itself become the first page, because they would begin it again.
 */
export function safeReturnTo(text: string | null | undefined, address: string): string {
  const { origin, pathname } = new URL(address)
  const home = pathname.endsWith('/') ? pathname : `${pathname}/`
  if (!text?.startsWith('/') || text.length > maxReturnToLength || /\p{Cc}/u.test(text)) return home
  const url = URL.parse(text, origin)
  if (url?.origin !== origin || !url.pathname.startsWith(home)) return home
  const path = `${url.pathname}${url.search}${url.hash}`
  // `/.//host` is a path, but what remains of it is the address of another host.
  const isSignIn = /^auth(?:[/?#]|$)/.test(path.slice(home.length))
  return path.startsWith('//') || path.length > maxReturnToLength || isSignIn ? home : path
}
