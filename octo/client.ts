/**
 * One typed call for every endpoint of domain/api.ts: method, path and the shape of the answer come from the
 * table, so that a wrong server is noticed. Loaded by command.ts when the first request is made.
 */
import { randomUUID } from 'node:crypto'
import { Client } from 'undici'
import type { z } from 'zod'
import { type Api, api, type Endpoint, type EndpointName } from '../domain/api.ts'
import { headers, pathOf } from '../domain/places.ts'
import type { Connection } from './connection.ts'
import { unreachable } from './fault.ts'
import { type Answer, notOctopod, refusal, wrongShape } from './refusal.ts'

/** Endpoints that answer once; a stream of events is not a call. */
export type CallName = {
  [Name in EndpointName]: Api[Name]['answer'] extends 'events' ? never : Name
}[EndpointName]

type ParamOf<Path extends string> = Path extends `${string}:${infer Param}/${infer Rest}`
  ? Param | ParamOf<Rest>
  : Path extends `${string}:${infer Param}`
    ? Param
    : never
type Optional<Part> = Part extends { query: infer Query extends z.ZodType }
  ? { query?: z.input<Query> }
  : unknown
type Needed<Part> = Part extends { body: infer Body extends z.ZodType } ? { body: z.input<Body> } : unknown
type Params<Path extends string> = [ParamOf<Path>] extends [never]
  ? unknown
  : { params: Record<ParamOf<Path>, string | number> }

export type RequestOf<Name extends CallName> = Params<Api[Name]['path']> &
  Needed<Api[Name]> &
  Optional<Api[Name]>
export type AnswerOf<Name extends CallName> = Api[Name]['answer'] extends z.ZodType
  ? z.output<Api[Name]['answer']>
  : string

export type Octopod = {
  call<Name extends CallName>(name: Name, request: RequestOf<Name>): Promise<AnswerOf<Name>>
  close(): Promise<void>
}

type Limits = { connectMs: number; answerMs: number }
type Loose = { params?: Record<string, string | number>; query?: Record<string, unknown>; body?: unknown }

/** The server has 10 s for a script and 30 s at most for anything else. */
const standardLimits: Limits = { connectMs: 5_000, answerMs: 35_000 }

/** Opens nothing yet; the first call connects. */
export function openClient(connection: Connection, limits: Limits = standardLimits): Octopod {
  const http = new Client(connection.origin, {
    connect: { timeout: limits.connectMs },
    headersTimeout: limits.answerMs,
    bodyTimeout: limits.answerMs,
  })
  return {
    async call<Name extends CallName>(name: Name, request: RequestOf<Name>): Promise<AnswerOf<Name>> {
      const answer = await ask(http, connection, name, request as Loose)
      if (answer.status < 200 || answer.status > 299) throw refusal(connection, answer)
      return read(connection, name, answer)
    },
    close: () => http.destroy(),
  }
}

async function ask(http: Client, connection: Connection, name: CallName, request: Loose): Promise<Answer> {
  const endpoint: Endpoint = api[name]
  const path = connection.prefix + pathOf(name, request.params) + queryText(request.query)
  const body = request.body === undefined ? null : JSON.stringify(request.body)
  try {
    const answer = await http.request({
      method: endpoint.method,
      path,
      headers: headersOf(connection, endpoint, body !== null),
      body,
    })
    const header = (wanted: string) => String(answer.headers[wanted.toLowerCase()] ?? '')
    return {
      status: answer.statusCode,
      type: header('content-type'),
      location: header('location'),
      requestId: header(headers.requestId),
      text: await answer.body.text(),
    }
  } catch (error) {
    throw unreachable(connection, error, endpoint.method !== 'GET')
  }
}

function headersOf(connection: Connection, endpoint: Endpoint, hasBody: boolean): Record<string, string> {
  return {
    accept: 'application/json',
    'user-agent': 'octo',
    ...(connection.authorization === null ? {} : { authorization: connection.authorization }),
    ...(hasBody ? { 'content-type': 'application/json' } : {}),
    ...(endpoint.method === 'GET'
      ? {}
      : {
          [headers.idempotencyKey]: randomUUID(),
          [headers.source]: 'octo',
          ...(connection.actor === null ? {} : { [headers.actor]: encodeURIComponent(connection.actor) }),
        }),
  }
}

function queryText(query: Record<string, unknown> = {}): string {
  const given = Object.entries(query).filter(([, value]) => value !== undefined)
  return given.length === 0
    ? ''
    : `?${new URLSearchParams(given.map(([key, value]) => [key, String(value)]))}`
}

function read<Name extends CallName>(connection: Connection, name: Name, answer: Answer): AnswerOf<Name> {
  const shape = api[name].answer as z.ZodType | 'text'
  if (shape === 'text') return answer.text as AnswerOf<Name>
  let json: unknown
  try {
    json = JSON.parse(answer.text)
  } catch {
    throw notOctopod(connection, answer)
  }
  const result = shape.safeParse(json)
  if (!result.success) throw wrongShape(connection, name, result.error.issues[0])
  return result.data as AnswerOf<Name>
}
