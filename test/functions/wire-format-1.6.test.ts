/**
 * The wire format of Octopod 1.6 (contract §4): the recorded examples of wire-format-1.6/*.json are sent to a running
 * system, in order. `bytes` compares the body byte by byte. `body` compares its value; `<time>`, `<id>`, `<seconds>`
 * and `<text>` stand for any such value. `added` names new fields beyond the contract, `pick` the compared paths.
 */
import assert from 'node:assert/strict'
import { readdir, readFile } from 'node:fs/promises'
import { after, before, test } from 'node:test'
import { pino } from 'pino'
import { api, type EndpointName } from '../../domain/api-schema.ts'
import { apiPrefix } from '../../domain/endpoints.ts'
import { createApp } from '../../functions/app.ts'
import type { Services } from '../../functions/services.ts'
import { type ApiClient, createApiClient } from '../helpers/api-client.ts'
import { type System, startSystem } from '../helpers/system.ts'
import { serverSettings, testAccess, testAuth } from './access/fixtures.ts'

type Exchange = {
  title: string
  given?: { script: string; behavior: string }
  request: { method: string; path: string; body?: unknown; as?: 'anonymous' }
  answer: { status: number; type: string; bytes?: string; body?: unknown; added?: string[]; pick?: string[] }
  then?: { name: string; status: string }
}

const folder = new URL('wire-format-1.6/', import.meta.url)
const files = (await readdir(folder)).sort()
const recorded = new Map<string, Exchange[]>()
for (const file of files) recorded.set(file, JSON.parse(await readFile(new URL(file, folder), 'utf8')))

let system: System
let admin: ApiClient
let anonymous: ApiClient
let lastAction = ''

before(async () => {
  system = await startSystem({
    env: { GIT_REVISION: '3f1c9b2', CHECK_INTERVAL: '1', OUTPUT_READERS: 'admin' },
  })
  admin = createApiClient(system.url)
  anonymous = createApiClient(system.url, null)
})
after(() => system?.stop())

for (const [file, exchanges] of recorded)
  for (const exchange of exchanges) test(`${file}: ${exchange.title}`, () => play(exchange))

async function play({ given, request, answer, then }: Exchange): Promise<void> {
  if (given) await system.setBehavior(given.script, given.behavior)
  const path = request.path.replace('<last action>', lastAction)
  const reply = await (request.as === 'anonymous' ? anonymous : admin).api(request.method, path, request.body)
  lastAction = reply.headers.get('octopod-action-id') ?? lastAction
  assert.equal(reply.status, answer.status, reply.text)
  assert.equal(reply.headers.get('content-type')?.split(';')[0], answer.type)
  if (answer.bytes !== undefined) assert.equal(reply.text, answer.bytes)
  else {
    const actual = answer.pick ? answer.pick.map((path) => pick(reply.body, path)) : reply.body
    assert.deepEqual(withPlaceholders(without(actual, answer.added ?? []), answer.body), answer.body)
  }
  if (then?.status === 'deleted') await admin.waitUntilDeleted(then.name)
  else if (then) await admin.waitForStatus(then.name, then.status)
}

const pick = (value: unknown, path: string): unknown =>
  path.split('.').reduce<unknown>((at, key) => (at as Record<string, unknown> | undefined)?.[key], value)

/** Removes the added fields. Each must exist, so that the list of additions stays correct. */
function without(value: unknown, added: readonly string[]): unknown {
  if (Array.isArray(value) && added.length > 0) return value.map((one) => without(one, added))
  if (added.length === 0) return value
  const rest = { ...(value as Record<string, unknown>) }
  for (const field of added) {
    assert.ok(field in rest, `${field} is missing`)
    delete rest[field]
  }
  return rest
}

const placeholders: Record<string, (value: unknown) => boolean> = {
  '<time>': (value) => /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/.test(String(value)),
  '<id>': (value) => Number.isInteger(value) && Number(value) > 0,
  '<seconds>': (value) => typeof value === 'number' && value >= 0 && value < 60,
  '<text>': (value) => typeof value === 'string' && value.length > 5,
}

/**
 * Replaces each value that matches its placeholder by the placeholder, so that deepEqual shows the other differences.
 */
function withPlaceholders(actual: unknown, expected: unknown): unknown {
  if (typeof expected === 'string' && placeholders[expected]?.(actual)) return expected
  if (Array.isArray(expected) && Array.isArray(actual))
    return actual.map((one, at) => withPlaceholders(one, expected[at]))
  if (!isRecord(expected) || !isRecord(actual)) return actual
  return Object.fromEntries(
    Object.entries(actual).map(([key, value]) => [key, withPlaceholders(value, expected[key])]),
  )
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

test('Every endpoint of Octopod 1.6 has a recorded example', () => {
  const requests = [...recorded.values()].flat().map(({ request }) => request)
  const covered = (name: EndpointName) => {
    const path = new RegExp(`^${api[name].path.replace(/:\w+/g, '[^/]+')}$`)
    return requests.some((request) => request.method === api[name].method && path.test(request.path))
  }
  const contract = (Object.keys(api) as EndpointName[]).filter((name) => api[name].since === '1.6')
  assert.deepEqual(
    contract.filter((name) => !covered(name)),
    [],
  )
})

test('A server that shuts down rejects new actions with 405', async () => {
  const settings = serverSettings()
  const log = pino({ level: 'silent' })
  const services = {
    settings,
    access: testAccess(settings),
    auth: testAuth(settings),
    shutdownSignal: AbortSignal.abort(),
    log,
  } as unknown as Services
  const body = JSON.stringify({ name: 'orion', app_overrides: [], deployment_overrides: [] })
  const headers = { 'Content-Type': 'application/json', Host: 'localhost' }
  const app = createApp(services)
  const answer = await app.request(`http://localhost${apiPrefix}/deployments`, {
    method: 'POST',
    body,
    headers,
  })
  assert.equal(answer.status, 405)
  const { tag, error_message } = (await answer.json()) as Record<string, unknown>
  assert.equal(tag, 'AppError')
  assert.match(String(error_message), /shutting down/)
})
