/** Serves the OpenAPI 3.1 document made from the endpoint table, and a page to read it. Each is made once, when first asked. */
import { createHash } from 'node:crypto'
import type { Handler } from 'hono'
import { makeDocument } from './reference/document.ts'
import { makePage } from './reference/page.ts'
import { style } from './reference/style.ts'

/** No scripts at all; the style comes from the route beside it. */
const contentPolicy =
  "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

const document = once(makeDocument)

export const openapi: Handler = serveMade('application/json', () => JSON.stringify(document()))
export const reference: Handler = serveMade('text/html; charset=utf-8', () => makePage(document()), {
  'Content-Security-Policy': contentPolicy,
  'Referrer-Policy': 'no-referrer',
})
export const referenceStyle: Handler = serveMade('text/css; charset=utf-8', () => style)

function serveMade(type: string, make: () => string, more: Record<string, string> = {}): Handler {
  const made = once(() => {
    const text = make()
    return { text, etag: `"${createHash('sha1').update(text).digest('base64url')}"` }
  })
  return (context) => {
    const { text, etag } = made()
    const headers = { ETag: etag, 'Cache-Control': 'no-cache', 'X-Content-Type-Options': 'nosniff', ...more }
    if (context.req.header('if-none-match') === etag) return new Response(null, { status: 304, headers })
    return new Response(text, { headers: { 'Content-Type': type, ...headers } })
  }
}

/** A declaration, so that the constants above can use it. */
function once<T extends object>(make: () => T): () => T {
  let made: T | null = null
  return () => {
    made ??= make()
    return made
  }
}
