/**
 * Describes the paths outside the endpoint table: the websocket, /config.json, health and this document. Used by
 * document.ts.
 */
import { apiPrefix } from '../../domain/endpoints.ts'
import { commonHeaders, errorResponses } from './error-responses.ts'
import { type JsonSchema, refTo } from './json-schemas.ts'
import type { Operation } from './operation.ts'

type Responses = Operation['responses']

const response = (description: string, schema: JsonSchema, type = 'application/json') => ({
  description,
  headers: commonHeaders,
  content: { [type]: { schema } },
})
const getOperation = (operationId: string, summary: string, description: string, responses: Responses) => ({
  get: { operationId, tags: ['Other'], summary, description, security: [], parameters: [], responses },
})

const readiness: JsonSchema = {
  type: 'object',
  required: ['status', 'postgres', 'redis', 'stopping'],
  properties: {
    status: { type: 'string', enum: ['ready', 'degraded', 'not ready'] },
    postgres: { type: 'string', enum: ['ok', 'full', 'read-only', 'unreachable'] },
    redis: { type: 'string', enum: ['ok', 'unreachable'] },
    stopping: { type: 'boolean' },
  },
}

/** A rejected upgrade is answered with a message as plain text. */
const rejectedUpgrades: Responses = Object.fromEntries(
  Object.entries(
    errorResponses(['unauthenticated', 'wrong_origin', 'wrong_host', 'rate_limited', 'service_unavailable']),
  ).map(([status, { description }]) => [
    status,
    { description, headers: commonHeaders, content: { 'text/plain': { schema: { type: 'string' } } } },
  ]),
)

export const nonTablePaths: Record<string, Record<string, Operation>> = {
  '/event': getOperation(
    'live',
    'Live changes over a websocket',
    [
      'Every message is a LiveMessage as JSON text (see the component of that name). `hello` comes first. `event` carries a',
      'ChangeEvent: the changed deployment as in the list with its growing `revision` (never show an older one over a newer',
      'one), or the name of a deleted one. `resync` says that events may have been missed: get the list again, with its ETag.',
      '`heartbeat` comes every `heartbeat_ms`; none for twice as long means the connection is dead. `delayed: true` in it says that',
      'Redis is unreachable and changes arrive some seconds late, by `resync`. `bye` comes before a server stops: connect again.',
      '`seq` grows by one with every message that is not a heartbeat; after a gap get the list again.',
      '',
      'The credential is the Authorization header or, from a browser, the subprotocols',
      '`octopod.v2, auth.<base64url of the Authorization value>`. The Origin must be one of APP_URL or the host of the request.',
    ].join('\n'),
    {
      101: { description: 'The websocket is open', headers: {} },
      ...rejectedUpgrades,
      ...errorResponses(['upgrade_required']),
    },
  ),
  '/config.json': getOperation(
    'getPageConfig',
    'Settings that the page needs before its first request',
    '`app_auth` is the credential of the role user: restrict the readers of this path at the ingress.',
    { 200: response('OK', refTo('PageConfig')), ...errorResponses(['wrong_host']) },
  ),
  '/healthz': getOperation(
    'healthz',
    'Is the process alive?',
    'For liveness probes; uses neither PostgreSQL nor Redis.',
    {
      200: response('Alive', {
        type: 'object',
        required: ['status'],
        properties: { status: { type: 'string', const: 'ok' } },
      }),
    },
  ),
  '/readyz': getOperation(
    'readyz',
    'Are PostgreSQL and Redis reachable?',
    'For readiness probes. Without Redis, or with a full disk of PostgreSQL, the server serves part of the requests: `degraded`, with 200.',
    { 200: response('Ready or degraded', readiness), 503: response('Not ready', readiness) },
  ),
  [`${apiPrefix}/openapi.json`]: getOperation('getOpenapi', 'This document', 'OpenAPI 3.1.', {
    200: response('OK', { type: 'object' }),
    ...errorResponses(['wrong_host']),
  }),
  [`${apiPrefix}/docs`]: getOperation('getReference', 'This document as a page', 'Works without scripts.', {
    200: response('OK', { type: 'string' }, 'text/html'),
    ...errorResponses(['wrong_host']),
  }),
}
