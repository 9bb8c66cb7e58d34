/** The paths that are not in the endpoint table: the websocket, the page's config, health, this description itself. */
import { apiPrefix } from '../../domain/places.ts'
import type { Operation } from './operation.ts'
import { refusedResponses } from './refusals.ts'
import { type JsonSchema, refTo } from './schemas.ts'

type Responses = Operation['responses']

const answer = (description: string, schema: JsonSchema, type = 'application/json') => ({
  description,
  headers: { 'X-Request-Id': { $ref: '#/components/headers/RequestId' } },
  content: { [type]: { schema } },
})
const get = (operationId: string, summary: string, description: string, responses: Responses) => ({
  get: { operationId, tags: ['Around'], summary, description, security: [], parameters: [], responses },
})

const readiness: JsonSchema = {
  type: 'object',
  required: ['status', 'postgres', 'redis', 'stopping'],
  properties: {
    status: { type: 'string', enum: ['ready', 'degraded', 'not ready'] },
    postgres: { type: 'string', enum: ['ok', 'full', 'away'] },
    redis: { type: 'string', enum: ['ok', 'away'] },
    stopping: { type: 'boolean' },
  },
}

/** An upgrade is refused in words alone. */
const refusedUpgrades: Responses = Object.fromEntries(
  Object.entries(refusedResponses(['not_signed_in', 'wrong_origin'])).map(([status, { description }]) => [
    status,
    { description, headers: {}, content: { 'text/plain': { schema: { type: 'string' } } } },
  ]),
)

export const outsidePaths: Record<string, Record<string, Operation>> = {
  '/event': get(
    'live',
    'Live changes over a websocket',
    [
      'Every message is a LiveMessage as JSON text (see the component of that name). `hello` comes first. `event` carries a',
      'ChangeEvent: the changed deployment as in the list with its growing `revision` (never show an older one over a newer',
      'one), or the name of a deleted one. `resync` says that events may have been missed: get the list again, with its ETag.',
      '`heartbeat` comes every `heartbeat_ms`; none for twice as long means the connection is dead. `delayed: true` in it says that',
      'Redis is away and changes are told of some seconds late, by `resync`. `bye` comes before a server stops: connect again.',
      '`seq` grows by one with every message that is not a heartbeat; after a gap get the list again.',
      '',
      'The credential is the Authorization header or, from a browser, the subprotocols',
      '`octopod.v2, auth.<base64url of the Authorization value>`. The Origin must be one of APP_URL, or the Host asked.',
    ].join('\n'),
    { 101: { description: 'The websocket is open', headers: {} }, ...refusedUpgrades },
  ),
  '/config.json': get(
    'getPageConfig',
    'What the page needs before it can ask for anything',
    'Who may read it is the affair of the ingress: `app_auth` is the credential of the role user.',
    { 200: answer('OK', refTo('PageConfig')) },
  ),
  '/healthz': get('healthz', 'Is the process alive?', 'Touches nothing; for liveness probes.', {
    200: answer('Alive', {
      type: 'object',
      required: ['status'],
      properties: { status: { type: 'string', const: 'alive' } },
    }),
  }),
  '/readyz': get(
    'readyz',
    'Are the stores reachable?',
    'For readiness probes. Without Redis the server still serves, more slowly, and with a full disk it still answers: `degraded`, with 200.',
    { 200: answer('Ready or degraded', readiness), 503: answer('Not ready', readiness) },
  ),
  [`${apiPrefix}/openapi.json`]: get('getOpenapi', 'This description', 'OpenAPI 3.1.', {
    200: answer('OK', { type: 'object' }),
  }),
  [`${apiPrefix}/docs`]: get('getReference', 'This description as a page to read', 'Works without scripts.', {
    200: answer('OK', { type: 'string' }, 'text/html'),
  }),
}
