/**
 * Handlers for the OpenAPI 3.1 document and its page. Each is made from the endpoint table at the first request and
 * cached.
 */
import { createHash } from 'node:crypto'
import { brotliCompressSync, constants, gzipSync } from 'node:zlib'
import type { Handler } from 'hono'
import type { ServerSettings } from '../../domain/settings.ts'
import { chooseEncoding } from '../http/compression.ts'
import { renderDocsPage } from './docs-page.ts'
import { docsPageCss } from './docs-page-style.ts'
import { createOpenapiDocument } from './document.ts'

/** The page has no scripts; its stylesheet is a route of its own. */
const contentSecurityPolicy =
  "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

export function createOpenapiHandlers(
  { NAME_MAX_LENGTH }: Pick<ServerSettings, 'NAME_MAX_LENGTH'>,
  basePath = '',
) {
  const document = lazy(() => createOpenapiDocument(NAME_MAX_LENGTH, basePath))
  return {
    openapi: serveCached('application/json', () => JSON.stringify(document())),
    docsPage: serveCached('text/html; charset=utf-8', () => renderDocsPage(document()), {
      'Content-Security-Policy': contentSecurityPolicy,
      'Referrer-Policy': 'no-referrer',
    }),
  }
}
export const docsStylesheet: Handler = serveCached('text/css; charset=utf-8', () => docsPageCss)

function serveCached(type: string, create: () => string, extraHeaders: Record<string, string> = {}): Handler {
  const cached = lazy(() => {
    const text = create()
    return { text, etag: `"${createHash('sha1').update(text).digest('base64url')}"` }
  })
  const compressed = {
    br: lazy(() => brotliCompressSync(cached().text, { params: { [constants.BROTLI_PARAM_QUALITY]: 5 } })),
    gzip: lazy(() => gzipSync(cached().text)),
  }
  return (context) => {
    const { text, etag } = cached()
    const encoding = chooseEncoding(context.req.header('accept-encoding'))
    const headers = {
      ETag: encoding === null ? etag : `W/${etag}`,
      Vary: 'Accept-Encoding',
      'Cache-Control': 'no-cache',
      'X-Content-Type-Options': 'nosniff',
      ...extraHeaders,
    }
    if (context.req.header('if-none-match')?.replace(/^W\//, '') === etag)
      return new Response(null, { status: 304, headers })
    if (encoding === null) return new Response(text, { headers: { 'Content-Type': type, ...headers } })
    return new Response(compressed[encoding]() as Buffer<ArrayBuffer>, {
      headers: { 'Content-Type': type, 'Content-Encoding': encoding, ...headers },
    })
  }
}

/** Creates a value at the first call. A function declaration, so that the constants above can use it. */
function lazy<T extends object>(create: () => T): () => T {
  let value: T | null = null
  return () => {
    value ??= create()
    return value
  }
}
