/**
 * Step 2, the same for every endpoint: authenticate, parse by domain/api-schema.ts, call the function, serialise. The
 * functions see only parsed values; app.ts mounts what comes out of here.
 */
import { createHash } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { setImmediate } from 'node:timers/promises'
import type { Context, Handler as HonoHandler } from 'hono'
import type { z } from 'zod'
import type { Actor } from '../../db/queries/enqueue-action.ts'
import type { IdempotencyKey } from '../../db/queries/idempotency.ts'
import { type Api, api, type EndpointName, type Role } from '../../domain/api-schema.ts'
import { headers } from '../../domain/endpoints.ts'
import { ApiError } from '../../domain/errors.ts'
import { actorOf, requireRole, requireSameOrigin, roleOf } from '../auth/credentials.ts'
import type { Services } from '../services.ts'
import { createRequestDeadline, type RequestDeadline } from './request-deadline.ts'

type QueryOf<Name extends EndpointName> = Api[Name] extends { query: infer Q extends z.ZodType }
  ? z.output<Q>
  : undefined
type BodyOf<Name extends EndpointName> = Api[Name] extends { body: infer B extends z.ZodType }
  ? z.output<B>
  : undefined
type ResponseOf<Name extends EndpointName> = Api[Name]['response'] extends z.ZodType
  ? z.input<Api[Name]['response']>
  : never

export type EndpointRequest<Name extends EndpointName> = {
  param: (name: string) => string
  query: QueryOf<Name>
  body: BodyOf<Name>
  header: (name: string) => string | undefined
  role: Role
  actor: Actor
  idempotencyKey: IdempotencyKey | undefined
  /** Aborts when the client has gone. */
  signal: AbortSignal
} & Pick<RequestDeadline, 'beforeCommit' | 'duringScriptCall'>

/** A function: gives the answer's value, or a Response of its own. */
export type EndpointHandler<Name extends EndpointName> = (
  services: Services,
  asked: EndpointRequest<Name>,
) => Promise<ResponseOf<Name> | Response>

/** No answer takes longer, the waits for scripts aside; then it is 503. */
const requestTimeoutMs = 3900
/** What asking may take beyond QUESTION_TIMEOUT: Redis is given a second to subscribe and one to take the question. */
const scriptQueryMarginMs = 3000

export function createEndpointHandler<Name extends EndpointName>(
  services: Services,
  name: Name,
  handler: EndpointHandler<Name>,
): HonoHandler {
  const endpoint = api[name]
  const changesState = endpoint.method !== 'GET'
  return async (context) => {
    const given = { get: (header: string) => context.req.header(header) }
    const authorization = context.req.header('authorization')
    const role = roleOf(services.settings, authorization)
    requireRole(role, endpoint.role, authorization)
    if (changesState) requireSameOrigin(services.settings, given)
    const text = changesState ? await readBody(context, 'body' in endpoint) : ''
    const idempotencyKey = readIdempotencyKey(context, text)
    const askingLimitMs = services.settings.QUESTION_TIMEOUT + scriptQueryMarginMs
    // Whoever gave no key, as clients of Octopod 1.6, will not ask again.
    const clientDisconnected = async () => idempotencyKey !== undefined && (await hasDisconnected(context))
    const deadline = createRequestDeadline(changesState, requestTimeoutMs, askingLimitMs, clientDisconnected)
    const request = {
      // PostgreSQL holds no NUL: a name with one is the name of nothing, not an error of ours. So is one that is too long.
      param: (param: string) => (context.req.param(param) ?? '').replaceAll('\0', '\ufffd').slice(0, 100),
      query: ('query' in endpoint
        ? parse(endpoint.query, context.req.query(), 'query')
        : undefined) as QueryOf<Name>,
      body: ('body' in endpoint ? parse(endpoint.body, parseJson(text), 'body') : undefined) as BodyOf<Name>,
      header: (header: string) => context.req.header(header),
      role,
      get actor() {
        return actorOf(services.settings, role, given)
      },
      idempotencyKey,
      beforeCommit: deadline.beforeCommit,
      duringScriptCall: deadline.duringScriptCall,
      // These only where they are needed; a signal makes node-server build a whole Request.
      get signal() {
        return context.req.raw.signal
      },
    }
    const answer = await deadline.run(() => handler(services, request))
    return answer instanceof Response ? answer : Response.json(answer)
  }
}

/** Whether the client has closed its side of the connection; nobody knows of one that asks by way of Lambda. */
async function hasDisconnected(context: Context): Promise<boolean> {
  const { incoming } = (context.env ?? {}) as { incoming?: IncomingMessage }
  if (incoming === undefined) return false
  // What has arrived on its connection together with what woke us up is only read by then.
  await setImmediate()
  return incoming.socket.readableEnded || incoming.socket.destroyed
}

async function readBody(context: Context, expected: boolean): Promise<string> {
  const text = await context.req.text()
  if (!expected || /^application\/json\b/i.test(context.req.header('content-type') ?? '')) return text
  throw new ApiError(
    'wrong_media_type',
    'Send the body as JSON, with the header Content-Type: application/json.',
  )
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new ApiError(
      'bad_request',
      `The body is not JSON: ${error instanceof Error ? error.message : error}`,
    )
  }
}

function parse(schema: z.ZodType, value: unknown, where: string): unknown {
  const result = schema.safeParse(value)
  if (result.success) return result.data
  const name = result.error.issues.find(
    (issue) => issue.code === 'custom' && issue.params?.code === 'bad_name',
  )
  if (name) throw new ApiError('bad_name', name.message)
  const shown = result.error.issues
    .slice(0, 5)
    .map((issue) => `${[where, ...issue.path].join('.')}: ${issue.message}`)
  const rest = result.error.issues.length - shown.length
  throw new ApiError('bad_request', shown.join('; ') + (rest > 0 ? `; and ${rest} more` : ''))
}

/** An action's id from a path. */
export function parseActionId(text: string): number {
  if (/^\d{1,15}$/.test(text)) return Number(text)
  throw new ApiError('bad_request', `"${text.slice(0, 40)}" is not an action id: ids are whole numbers.`)
}

const visibleText = /^[\x21-\x7e]{1,200}$/

function readIdempotencyKey(context: Context, body: string): IdempotencyKey | undefined {
  const key = context.req.header(headers.idempotencyKey)
  if (key === undefined || context.req.method === 'GET') return undefined
  if (!visibleText.test(key)) {
    throw new ApiError('bad_request', 'An Idempotency-Key has 1 to 200 visible ASCII characters.')
  }
  const given = context.req.header(headers.fingerprint)
  if (given !== undefined && !visibleText.test(given)) {
    throw new ApiError('bad_request', 'An Octopod-Fingerprint has 1 to 200 visible ASCII characters.')
  }
  const fingerprint = createHash('sha256')
    .update(`${context.req.method} ${context.req.path}\n${given ?? body}`)
    .digest('base64url')
  return { key, fingerprint }
}
