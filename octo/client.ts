/**
 * One typed call for every endpoint of domain/api.ts: method, path and the shape of the answer come from the
 * table, so that a wrong server is noticed. What failed in passing is sent again; a write carries an Idempotency-Key,
 * so that it acts once however often it is sent. Loaded by command.ts when the first request is made.
 */
import type { Dispatcher } from 'undici'
import type { z } from 'zod'
import type { Api, EndpointName } from '../domain/api.ts'
import { headers, pathOf, places } from '../domain/places.ts'
import type { Connection } from './connection.ts'
import { type Limits, openDispatcher, standardLimits } from './dispatcher.ts'
import { Failure } from './failure.ts'
import { unreachable } from './fault.ts'
import { type Answer, notOctopod, refusal, wrongShape } from './refusal.ts'
import { backoffMs, pause } from './retry.ts'

/** Endpoints that answer once; a stream of events is not a call. */
export type CallName = {
  [Name in EndpointName]: Api[Name]['answer'] extends 'events' ? never : Name
}[EndpointName]

type TextName = { [Name in CallName]: Api[Name]['answer'] extends 'text' ? Name : never }[CallName]

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

/** `key`: the Idempotency-Key of a write, else a new one. `reason`: kept with the action. `revision`: of what the write is
 * based on. `fingerprint`: what the key stands for in place of the body. */
export type Extra = {
  key?: string | undefined
  reason?: string | null | undefined
  revision?: number | undefined
  fingerprint?: string | undefined
}
/** `actionId`: of the action that was accepted, where one was. */
export type Accepted<Name extends CallName> = { value: AnswerOf<Name>; actionId: number | null }
type Answered = Answer & { actionId: number | null }

export type Octopod = {
  connection: Connection
  dispatcher: Dispatcher
  call<Name extends CallName>(name: Name, request: RequestOf<Name>): Promise<AnswerOf<Name>>
  ask<Name extends CallName>(name: Name, request: RequestOf<Name>, extra?: Extra): Promise<Accepted<Name>>
  close(): Promise<void>
}

type Loose = { params?: Record<string, string | number>; query?: Record<string, unknown>; body?: unknown }

/** Opens nothing yet; the first call connects. */
export function openClient(connection: Connection, limits: Limits = standardLimits): Octopod {
  const dispatcher = openDispatcher(connection, limits)
  const ask = async <Name extends CallName>(name: Name, request: RequestOf<Name>, extra: Extra = {}) => {
    const sent = headersOf(connection, name, extra)
    const answer = await again(connection.retries, async () => {
      const got = await send(dispatcher, connection, name, request as Loose, sent)
      if (got.status < 200 || got.status > 299) throw refusal(connection, got)
      return got
    })
    return { value: await read(connection, name, answer), actionId: answer.actionId }
  }
  return {
    connection,
    dispatcher,
    ask,
    call: async (name, request) => (await ask(name, request)).value,
    close: () => dispatcher.destroy(),
  }
}

/** However long a proxy asks for. */
const mostPauseMs = 10_000

/** Every endpoint that only reads may be asked twice, and every other carries its key. */
async function again<T>(retries: number, once: () => Promise<T>): Promise<T> {
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await once()
    } catch (error) {
      if (attempt >= retries || !(error instanceof Failure) || !error.transient) throw error
      await pause(Math.max(backoffMs(attempt, 300, 2000), Math.min(error.retryAfterMs, mostPauseMs)))
    }
  }
}

async function send(
  dispatcher: Dispatcher,
  connection: Connection,
  name: CallName,
  request: Loose,
  sent: Record<string, string>,
): Promise<Answered> {
  const { method } = places[name]
  const path = connection.prefix + pathOf(name, request.params) + queryText(request.query)
  const body = request.body === undefined ? null : JSON.stringify(request.body)
  try {
    const answer = await dispatcher.request({
      origin: connection.origin,
      method,
      path,
      headers: { ...sent, ...(body === null ? {} : { 'content-type': 'application/json' }) },
      body,
    })
    return await answered(answer)
  } catch (error) {
    throw unreachable(connection, error, method !== 'GET')
  }
}

/** An answer read to its end. Throws what the network makes of it. */
export async function answered({
  statusCode,
  headers: sent,
  body,
}: Dispatcher.ResponseData): Promise<Answered> {
  const header = (wanted: string) => String(sent[wanted.toLowerCase()] ?? '')
  return {
    status: statusCode,
    type: header('content-type'),
    location: header('location'),
    requestId: header(headers.requestId),
    actionId: Number(header(headers.actionId)) || null,
    // A date, as few send it, is as good as none.
    retryAfterMs: Number(header('retry-after')) * 1000 || 0,
    text: await body.text(),
  }
}

function headersOf(connection: Connection, name: CallName, extra: Extra): Record<string, string> {
  const { actor, source, run } = connection.identity
  const reason = extra.reason || run
  const who = {
    [headers.source]: source,
    ...(actor === null ? {} : { [headers.actor]: encodeURIComponent(actor) }),
  }
  return {
    ...plainHeaders(connection),
    ...(name === 'whoami' ? who : {}),
    ...(places[name].method === 'GET'
      ? {}
      : {
          ...who,
          [headers.idempotencyKey]: extra.key ?? crypto.randomUUID(),
          ...(extra.fingerprint === undefined ? {} : { [headers.fingerprint]: extra.fingerprint }),
          ...(extra.revision === undefined ? {} : { [headers.ifMatch]: `"${extra.revision}"` }),
          ...(reason ? { [headers.reason]: encodeURIComponent(reason.toWellFormed()) } : {}),
        }),
  }
}

/** What every request says, whatever it asks. */
export function plainHeaders(connection: Connection, accept = 'application/json'): Record<string, string> {
  return {
    accept,
    'user-agent': 'octo',
    ...(connection.authorization === null ? {} : { authorization: connection.authorization }),
  }
}

function queryText(query: Record<string, unknown> = {}): string {
  const given = Object.entries(query).filter(([, value]) => value !== undefined)
  return given.length === 0
    ? ''
    : `?${new URLSearchParams(given.map(([key, value]) => [key, String(value)]))}`
}

/** Their answer is text, as it is. */
const texts: Readonly<Record<TextName, true>> = { ping: true }

const isText = (name: CallName): name is TextName => Object.hasOwn(texts, name)

async function read<Name extends CallName>(
  connection: Connection,
  name: Name,
  answer: Answer,
): Promise<AnswerOf<Name>> {
  if (isText(name)) return answer.text as AnswerOf<Name>
  let json: unknown
  try {
    json = JSON.parse(answer.text)
  } catch {
    throw notOctopod(connection, answer)
  }
  const { wrongWith } = await import('./shape.ts')
  const wrong = wrongWith(name, json)
  if (wrong !== null) throw wrongShape(connection, name, wrong)
  return json as AnswerOf<Name>
}
