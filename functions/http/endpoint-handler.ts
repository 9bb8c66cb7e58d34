/**
 * The last step of every endpoint: parses the request by domain/api-schema.ts, runs the handler under the request
 * deadline and serializes its answer. The middlewares of app.ts come before it.
 */
import type { IncomingMessage } from 'node:http'
import { setImmediate } from 'node:timers/promises'
import type { Context, Handler } from 'hono'
import type { z } from 'zod'
import type { Actor } from '../../db/queries/enqueue-action.ts'
import type { IdempotencyKey } from '../../db/queries/idempotency.ts'
import { type Api, api, type EndpointName } from '../../domain/api-schema.ts'
import type { Caller } from '../access/limits.ts'
import { rawRequestOf } from '../access/sender.ts'
import { actorOf } from '../auth/actor.ts'
import type { Identity } from '../auth/identity.ts'
import type { Services } from '../services.ts'
import { requestIdOf } from './answer-headers.ts'
import { chooseEncoding, type Encoding } from './compression.ts'
import { parse, parseForm, parseJson, parseQuery } from './parse-request.ts'
import { createRequestDeadline, type RequestDeadline } from './request-deadline.ts'
import type { RequestEnv } from './request-env.ts'
import { waitUntil } from './wait-until.ts'

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
  identity: Identity
  /** The same caller once more, with the session and the policy of this moment. Throws session_ended. */
  identifyAgain: () => Identity | Promise<Identity>
  caller: Caller
  /** It was forwarded, and TRUSTED_PROXIES does not name who did so. */
  isThroughUnknownProxy: boolean
  actor: Actor
  idempotencyKey: IdempotencyKey | undefined
  /** How a large answer may be compressed. */
  encoding: Encoding | null
  deadline: Omit<RequestDeadline, 'run'>
  /** Aborts when the client has disconnected. */
  signal: AbortSignal
}

/** Returns the value of the answer, or a Response of its own. */
export type EndpointHandler<Name extends EndpointName> = (
  services: Services,
  request: EndpointRequest<Name>,
) => Promise<ResponseOf<Name> | Response>

/** The longest time for an answer, without the time spent waiting for scripts; then the answer is 503. */
const requestTimeoutMs = 3900

export function createEndpointHandler<Name extends EndpointName>(
  services: Services,
  name: Name,
  handler: EndpointHandler<Name>,
): Handler<RequestEnv> {
  const endpoint = api[name]
  const { auth, access } = services
  return async (context) => {
    const identity = context.get('identity')
    const caller = context.get('caller')
    const recorded = auth.people.record(identity)
    if (recorded !== undefined) await waitUntil(services, [recorded])
    const idempotencyKey = context.get('idempotencyKey')
    const deadline = createRequestDeadline({
      changesState: endpoint.method !== 'GET',
      timeoutMs: requestTimeoutMs,
      // A client without a key, as those of Octopod 1.6, does not send its request again: its action is started.
      isClientDisconnected: async () => idempotencyKey !== undefined && (await isDisconnected(context)),
    })
    const parseBody = context.get('hasFormBody') ? parseForm : parseJson
    const request: EndpointRequest<Name> = {
      // PostgreSQL cannot store NUL, and no name is longer: such a parameter must find nothing instead of failing.
      param: (param) => (context.req.param(param) ?? '').replaceAll('\0', '\ufffd').slice(0, 100),
      query: ('query' in endpoint
        ? parseQuery(endpoint.query, context.req.queries())
        : undefined) as QueryOf<Name>,
      body: ('body' in endpoint
        ? parse(
            endpoint.body,
            parseBody(context.get('bodyText') ?? ''),
            'body',
            services.settings.NAME_MAX_LENGTH,
          )
        : undefined) as BodyOf<Name>,
      header: (header) => context.req.header(header),
      identity,
      identifyAgain: () => auth.identifier.identify(rawRequestOf(context)),
      caller,
      get isThroughUnknownProxy() {
        const isForwarded = context.req.header('x-forwarded-for') !== undefined
        return isForwarded && !access.sender.isFromTrustedProxy(rawRequestOf(context))
      },
      get actor() {
        return actorOf(
          identity,
          { get: (header) => context.req.header(header) },
          { address: caller.address, requestId: requestIdOf(context) },
        )
      },
      idempotencyKey,
      encoding: chooseEncoding(context.req.header('accept-encoding')),
      deadline,
      // A getter, because a signal makes node-server build a whole Request.
      get signal() {
        return context.req.raw.signal
      },
    }
    const answer = await deadline.run(() => handler(services, request))
    return answer instanceof Response
      ? answer
      : services.compression.json(JSON.stringify(answer), request.encoding)
  }
}

/** Whether the client has closed its side of the connection. On Lambda this is unknown, and the answer is false. */
async function isDisconnected(context: Context): Promise<boolean> {
  const { incoming } = (context.env ?? {}) as { incoming?: IncomingMessage }
  if (incoming === undefined) return false
  // A server that was frozen reads the end of the connection in the next turn of the event loop.
  await setImmediate()
  return incoming.socket.readableEnded || incoming.socket.destroyed
}
