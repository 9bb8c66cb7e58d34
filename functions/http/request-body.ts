/**
 * Middlewares for the body of a request: `requestBody` reads it, and rejects one that is too large before; `closeUnread`
 * reads no large body that nothing needs. Both are used by app.ts.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Context, MiddlewareHandler } from 'hono'
import { bodyLimit as honoBodyLimit } from 'hono/body-limit'
import { ApiError } from '../../domain/errors.ts'
import { type Caller, type CallerLimits, maxBodyBytes } from '../access/limits.ts'
import type { RequestEnv } from './request-env.ts'

/** Throws too_large (413). Reads a body of unknown length, so it comes after the limits of the caller. */
const bodyLimit = honoBodyLimit({ maxSize: maxBodyBytes, onError: bodyTooLarge })

function bodyTooLarge(): never {
  throw new ApiError('too_large', `The body is larger than ${maxBodyBytes} bytes.`)
}

/**
 * Throws rate_limited (429) when the bodies of strangers fill their share of the memory, too_large (413),
 * wrong_media_type (415) when the endpoint expects JSON and gets another type, bad_request (400) for another
 * charset than UTF-8 and for bytes that are not UTF-8.
 */
export function requestBody(
  limits: CallerLimits,
  expected: boolean,
  acceptsForm = false,
): MiddlewareHandler<RequestEnv> {
  return async (context, next) => {
    const length = bodyLengthOf(context)
    let release = limits.holdBody(context.get('caller'), length)
    try {
      await bodyLimit(context, async () => {
        const bytes = await context.req.arrayBuffer()
        if (length === null) {
          release()
          release = limits.holdBody(context.get('caller'), bytes.byteLength)
        }
        const type = context.req.header('content-type') ?? ''
        if (expected) requireType(type, acceptsForm)
        context.set('hasFormBody', acceptsForm && formType.test(type))
        context.set('bodyText', decode(bytes, expected))
      })
      await next()
    } finally {
      release()
    }
  }
}

/** Null when the client does not say it. */
export function bodyLengthOf({ req }: Context): number | null {
  const length = req.header('content-length')
  if (req.method === 'GET' || (length === undefined && !req.header('transfer-encoding'))) return 0
  return length === undefined ? null : Number(length)
}

/** A body of this size arrives with its request. */
const smallBodyBytes = 64 * 1024

/**
 * Closes the connection of a stranger after an answer that did not need the body, as one of 429. Else Node reads all of it
 * before the next request, and many refused clients keep the server from its work. A client that is still sending may lose the
 * answer with its connection, so the bodies of callers who are known are read to their end.
 */
export const closeUnread: MiddlewareHandler<RequestEnv> = async (context, next) => {
  await next()
  const { incoming, outgoing } = (context.env ?? {}) as Partial<NodeBindings>
  if (incoming === undefined || outgoing === undefined || incoming.complete) return
  const caller: Caller | undefined = context.get('caller')
  if (caller !== undefined && caller.key !== null) return
  if ((bodyLengthOf(context) ?? maxBodyBytes) > smallBodyBytes) outgoing.shouldKeepAlive = false
}

/** Not on AWS Lambda. */
type NodeBindings = { incoming: IncomingMessage; outgoing: ServerResponse }

const formType = /^application\/x-www-form-urlencoded\b/i

function requireType(contentType: string, acceptsForm: boolean): void {
  if (!/^application\/json\b/i.test(contentType) && !(acceptsForm && formType.test(contentType))) {
    throw new ApiError(
      'wrong_media_type',
      `Send the body as JSON, with the header Content-Type: application/json${acceptsForm ? ', or as application/x-www-form-urlencoded' : ''}.`,
    )
  }
  const [, charset = 'utf-8'] = /;\s*charset\s*=\s*"?([^";\s]*)/i.exec(contentType) ?? []
  if (!/^utf-?8$/i.test(charset))
    throw new ApiError('bad_request', `The charset ${charset.slice(0, 40)} is not supported: send UTF-8.`)
}

function decode(bytes: ArrayBuffer, strictly: boolean): string {
  try {
    return new TextDecoder('utf-8', { fatal: strictly }).decode(bytes)
  } catch {
    throw new ApiError('bad_request', 'The body is not valid UTF-8.')
  }
}
