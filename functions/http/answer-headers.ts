/**
 * The headers of every answer: the id of the request, the version of the API, no storing in caches, and `nosniff`, so that no browser takes an answer for
 * another type than it says. A server sets them before the application runs, so that answers to broken requests have them too;
 * elsewhere, as on AWS Lambda, the middleware sets them.
 */
import { randomUUID } from 'node:crypto'
import { type IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'
import type { Context, MiddlewareHandler } from 'hono'
import { apiVersion, headers } from '../../domain/endpoints.ts'

/** For the event `request` of a server. */
export function setAnswerHeaders(incoming: IncomingMessage, outgoing: ServerResponse): void {
  const sentId = incoming.headers[headers.requestId.toLowerCase()]
  outgoing.setHeader(headers.requestId, toRequestId(sentId?.toString()))
  outgoing.setHeader(headers.version, apiVersion)
  outgoing.setHeader('X-Content-Type-Options', 'nosniff')
  outgoing.setHeader('Cache-Control', defaultCacheControl)
}

/** Answers depend on who asks. With a cookie, a cache in between would keep them for everybody. Handlers may say otherwise. */
const defaultCacheControl = 'private, no-store'

/** For the event `clientError` of a server: bytes that are no HTTP request. */
export function answerBrokenRequest(error: NodeJS.ErrnoException, socket: Duplex): void {
  const { _httpMessage: answer } = socket as { _httpMessage?: ServerResponse }
  if (error.code === 'ECONNRESET' || !socket.writable || answer?.headersSent) return void socket.destroy()
  const status = brokenRequestStatus[error.code ?? ''] ?? 400
  const lines = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    'Connection: close',
    'Content-Length: 0',
    `${headers.requestId}: ${randomUUID()}`,
    `${headers.version}: ${apiVersion}`,
    'X-Content-Type-Options: nosniff',
  ]
  socket.end(`${lines.join('\r\n')}\r\n\r\n`)
}

const brokenRequestStatus: Record<string, number> = {
  HPE_HEADER_OVERFLOW: 431,
  HPE_CHUNK_EXTENSIONS_OVERFLOW: 413,
  ERR_HTTP_REQUEST_TIMEOUT: 408,
}

export const answerHeaders: MiddlewareHandler = async (context, next) => {
  await next()
  if (outgoingOf(context) !== undefined) return
  context.res.headers.set(headers.requestId, requestIdOf(context))
  context.res.headers.set(headers.version, apiVersion)
  context.res.headers.set('X-Content-Type-Options', 'nosniff')
  if (!context.res.headers.has('Cache-Control')) context.res.headers.set('Cache-Control', defaultCacheControl)
}

/** The same id in the answer and in every log line of the request. */
export function requestIdOf(context: Context): string {
  const known = context.get('requestId') ?? outgoingOf(context)?.getHeader(headers.requestId)?.toString()
  const id: string = known ?? toRequestId(context.req.header(headers.requestId))
  context.set('requestId', id)
  return id
}

/** Keeps the id of a proxy, so that its log and this one can be read together. */
export function toRequestId(sentId: string | undefined): string {
  return sentId !== undefined && /^[\w.-]{1,100}$/.test(sentId) ? sentId : randomUUID()
}

const outgoingOf = (context: Context) =>
  ((context.env ?? {}) as { outgoing?: Pick<ServerResponse, 'getHeader'> }).outgoing
