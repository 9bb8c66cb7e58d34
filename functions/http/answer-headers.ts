/**
 * The headers of every answer: the id of the request, and `nosniff`, so that no browser takes an answer for another
 * type than it says. A server sets them before the application runs, so that answers to broken requests have them too;
 * elsewhere, as on AWS Lambda, the middleware sets them.
 */
import { randomUUID } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Context, MiddlewareHandler } from 'hono'
import { headers } from '../../domain/endpoints.ts'

/** For the event `request` of a server. */
export function setAnswerHeaders(incoming: IncomingMessage, outgoing: ServerResponse): void {
  const sentId = incoming.headers[headers.requestId.toLowerCase()]
  outgoing.setHeader(headers.requestId, toRequestId(sentId?.toString()))
  outgoing.setHeader('X-Content-Type-Options', 'nosniff')
}

export const answerHeaders: MiddlewareHandler = async (context, next) => {
  await next()
  if (outgoingOf(context) !== undefined) return
  context.res.headers.set(headers.requestId, requestIdOf(context))
  context.res.headers.set('X-Content-Type-Options', 'nosniff')
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
