/** Creates one operation of the OpenAPI document from one row of the endpoint table. Called by document.ts. */

import { type Role, rights, roles, type Scope } from '../../domain/access/roles.ts'
import { actionKinds } from '../../domain/actions.ts'
import { api, type EndpointName } from '../../domain/api-schema.ts'
import type { Endpoint, RequiredRight } from '../../domain/endpoints.ts'
import { headers, lineType } from '../../domain/endpoints.ts'
import { allPausable } from '../../domain/pauses/pause.ts'
import {
  acceptsIdempotencyKey,
  commonHeaders,
  type ErrorResponse,
  errorCodesOf,
  errorResponses,
} from './error-responses.ts'
import { examples } from './examples.ts'
import { type JsonSchema, queryOf, refTo, type Schemas } from './json-schemas.ts'

export type Parameter = {
  name: string
  in: 'path' | 'query' | 'header'
  required?: boolean
  description?: string
  schema: JsonSchema
  example?: unknown
}
type Media = { schema: JsonSchema; example?: unknown }
type SuccessResponse = {
  description: string
  headers: Record<string, { $ref: string }>
  content?: Record<string, Media>
}
export type Operation = {
  operationId: string
  tags: string[]
  summary: string
  description: string
  security: Record<string, string[]>[]
  parameters: Parameter[]
  requestBody?: { required: true; content: Record<string, Media> }
  responses: Record<string, SuccessResponse | ErrorResponse>
}

/** Security requirements of OpenAPI. The empty one stands for a trusted proxy, and for installations with ANONYMOUS_ROLE. */
export const anyCaller = [{ session: [] }, { user: [] }, { admin: [] }, {}]

function rightRequirement(right: RequiredRight): string {
  if (right === 'open') return 'Needs no credential.'
  if (right === 'known') return 'Needs to know who asks.'
  const scopes: Record<Role, Scope> = rights[right].scopes
  const needed = roles.map((role) => ({ role, scope: scopes[role] })).filter(({ scope }) => scope !== 'none')
  const list = needed.map(({ role, scope }) => `${role}${scopeNotes[scope]}`).join(', ')
  return `Needs the right \`${right}\`: ${list}.${right === 'read_output' ? ' OUTPUT_READERS may ask for a higher role.' : ''}`
}

const scopeNotes: Record<Scope, string> = {
  none: '',
  own: ' (own deployments)',
  own_or_unowned: ' (own deployments and those without an owner)',
  all: '',
}

export function operationOf(name: EndpointName, schemas: Schemas): Operation {
  const { path, right, summary, since: version }: Endpoint = api[name]
  const body = schemas.bodies[name]
  const since = version === '2.0' ? 'Since Octopod 2.' : 'As in Octopod 1.6.'
  return {
    operationId: name,
    tags: [tagOf(path)],
    summary,
    description: `${rightRequirement(right)} ${since}`,
    security: right === 'open' ? [] : anyCaller,
    parameters: [...pathParameters(path), ...queryParameters(name), ...headerParameters(name)],
    ...(body === undefined
      ? {}
      : {
          requestBody: {
            required: true,
            content: {
              'application/json': { schema: body, example: examples[name].body },
              ...('acceptsForm' in api[name]
                ? { 'application/x-www-form-urlencoded': { schema: body } }
                : {}),
            },
          },
        }),
    responses: { ...successResponses(name, schemas), ...errorResponses(errorCodesOf(name)) },
  }
}

export const tags = ['Deployments', 'Actions', 'Config', 'Access', 'Project', 'Other'] as const

function tagOf(path: string): (typeof tags)[number] {
  if (/^\/(actions|log)\b|\/actions$/.test(path)) return 'Actions'
  if (path.startsWith('/deployments')) return 'Deployments'
  if (/^\/(whoami|sessions|tokens|policy)\b/.test(path)) return 'Access'
  return path.includes('_override') ? 'Config' : 'Project'
}

function pathParameters(path: string): Parameter[] {
  return [...path.matchAll(/:(\w+)/g)].map(([, name = '']) => ({
    name,
    in: 'path',
    required: true,
    ...(name === 'name'
      ? { description: 'Name of the deployment', schema: refTo('Name'), example: 'feature-1' }
      : name === 'what'
        ? {
            description: 'What is paused',
            schema: { type: 'string', enum: [...allPausable] },
            example: 'checks',
          }
        : { description: 'Id of the action', schema: { type: 'integer', minimum: 1 }, example: 42 }),
  }))
}

function queryParameters(name: EndpointName): Parameter[] {
  return Object.entries(queryOf(name)).map(([query, { description, ...schema }]) => ({
    name: query,
    in: 'query',
    ...(typeof description === 'string' ? { description } : {}),
    schema,
  }))
}

const text: JsonSchema = { type: 'string' }
/** OpenAPI 3.1 has no schema for events: readers take one for that of each event. */
const anything: JsonSchema = {}

function headerParameters(name: EndpointName): Parameter[] {
  const header = (header: string, description: string, schema = text): Parameter => ({
    name: header,
    in: 'header',
    description,
    schema,
  })
  const key = { type: 'string', pattern: '^[\\x21-\\x7e]{1,200}$' }
  return [
    ...(hasETag(name) ? [header('If-None-Match', 'ETag of the list that the client has')] : []),
    ...(name === 'streamOutput'
      ? [header('Last-Event-ID', 'Number of the last chunk that the client has; overrides `after`')]
      : []),
    ...(name === 'streamAppLogs'
      ? [header('Last-Event-ID', 'Id of the last event that the client has: the lines go on after it')]
      : []),
    ...(name === 'updateDeployment' ? [header(headers.ifMatch, ifMatchDescription)] : []),
    ...(acceptsIdempotencyKey(name)
      ? [
          header(
            headers.idempotencyKey,
            'Any text: a repeated request with the same key acts once and gets the first answer',
            key,
          ),
          header(
            headers.fingerprint,
            'Identifies the request of the key instead of its body, for a repeated request whose body may differ',
            key,
          ),
        ]
      : []),
    ...(changesDeployment(name)
      ? [
          header(
            headers.actor,
            'Name of the user, percent-encoded UTF-8; used without ACTOR_HEADER and stored with the action',
          ),
          header(headers.source, 'Kind of client, stored with the action', {
            type: 'string',
            enum: ['page', 'octo', 'ci', 'api'],
          }),
          header(headers.reason, 'Reason, percent-encoded UTF-8, stored with the action'),
        ]
      : []),
  ]
}

const ifMatchDescription =
  'The `revision` of the FullInfo that the client has read, in quotes; the update is rejected when the overrides have changed since'

const hasETag = (name: EndpointName) => name === 'listDeployments' || name === 'listDeploymentNames'
const changesDeployment = (name: EndpointName) => acceptsIdempotencyKey(name) || name === 'cancelAction'
const actionEndpoints: readonly string[] = actionKinds.map((kind) => `${kind}Deployment`)
const returnsActionId = (name: EndpointName) => actionEndpoints.includes(name) || name === 'cancelAction'

function successResponses(name: EndpointName, schemas: Schemas): Record<string, SuccessResponse> {
  const { response }: Endpoint = api[name]
  const own = {
    ...commonHeaders,
    ...(returnsActionId(name) ? { [headers.actionId]: { $ref: '#/components/headers/ActionId' } } : {}),
    ...(hasETag(name) ? { ETag: { $ref: '#/components/headers/ETag' } } : {}),
  }
  const example = examples[name].response
  const type = typeof response === 'string' ? textTypes[response] : 'application/json'
  const ok: SuccessResponse = {
    description:
      response === 'events'
        ? eventStreamDescription
        : response === 'lines'
          ? linesDescription
          : changesDeployment(name)
            ? 'Accepted'
            : 'OK',
    headers: own,
    content: {
      [type]: { schema: schemas.responses[name] ?? (response === 'text' ? text : anything), example },
      ...(name === 'listDeployments' && { [lineType]: { schema: anything, example: listLinesExample } }),
    },
  }
  return hasETag(name)
    ? { 200: ok, 304: { description: 'The list has not changed', headers: own } }
    : { 200: ok }
}

const textTypes = {
  text: 'text/plain',
  events: 'text/event-stream',
  lines: lineType,
} as const

/** For a client that accepts this type. */
const listLinesExample = 'The same FullInfo objects, one a line. An empty line ends the list.'
const linesDescription = 'JSON objects, one a line. An empty line says that the connection works.'

const eventStreamDescription =
  'Server-sent events. `chunk`: `id` is its number, `data` an OutputChunk as JSON. `end`: the action has ended, `data` is ' +
  '`{"state": …}`; close the stream. A comment every 15 seconds keeps the connection open. After a lost connection send ' +
  'Last-Event-ID (browsers do so automatically): no chunk is lost and none is repeated.'
