/**
 * The wire format of Octopod 1.6 (contract §4), as recorded examples played against a running system: wire/*.json, in
 * order. `bytes`: the body to the byte. `body`: its value, where `<time>`, `<id>`, `<seconds>` and `<words>` stand for any.
 * `added`: fields of ours beyond the contract, at the outermost records. `pick`: only these paths of the body.
 */
import assert from 'node:assert/strict'
import { readdir, readFile } from 'node:fs/promises'
import { after, before, test } from 'node:test'
import { pino } from 'pino'
import { api, type EndpointName } from '../../domain/api-schema.ts'
import { apiPrefix } from '../../domain/endpoints.ts'
import { readSettings } from '../../domain/settings.ts'
import { createApp } from '../../functions/app.ts'
import type { Services } from '../../functions/services.ts'
import { type ApiClient, createApiClient } from '../helpers/api-client.ts'
import { type System, startSystem } from '../helpers/system.ts'

type Exchange = {
  title: string
  given?: { behave: string; how: string }
  request: { method: string; path: string; body?: unknown; as?: 'nobody' }
  answer: { status: number; type: string; bytes?: string; body?: unknown; added?: string[]; pick?: string[] }
  then?: { name: string; is: string }
}

const folder = new URL('wire-format-1.6/', import.meta.url)
const files = (await readdir(folder)).sort()
const recorded = new Map<string, Exchange[]>()
for (const file of files) recorded.set(file, JSON.parse(await readFile(new URL(file, folder), 'utf8')))

let system: System
let admin: ApiClient
let nobody: ApiClient
let lastAction = ''

before(async () => {
  system = await startSystem({ env: { GIT_REVISION: '3f1c9b2', CHECK_INTERVAL: '1' } })
  admin = createApiClient(system.url)
  nobody = createApiClient(system.url, null)
})
after(() => system?.stop())

for (const [file, exchanges] of recorded)
  for (const exchange of exchanges) test(`${file}: ${exchange.title}`, () => play(exchange))

async function play({ given, request, answer, then }: Exchange): Promise<void> {
  if (given) await system.setBehavior(given.behave, given.how)
  const path = request.path.replace('<last action>', lastAction)
  const reply = await (request.as === 'nobody' ? nobody : admin).api(request.method, path, request.body)
  lastAction = reply.headers.get('octopod-action-id') ?? lastAction
  assert.equal(reply.status, answer.status, reply.text)
  assert.equal(reply.headers.get('content-type')?.split(';')[0], answer.type)
  if (answer.bytes !== undefined) assert.equal(reply.text, answer.bytes)
  else {
    const seen = answer.pick ? answer.pick.map((at) => pick(reply.body, at)) : reply.body
    assert.deepEqual(likened(without(seen, answer.added ?? []), answer.body), answer.body)
  }
  if (then?.is === 'gone') await admin.waitUntilDeleted(then.name)
  else if (then) await admin.waitForStatus(then.name, then.is)
}

const pick = (value: unknown, path: string): unknown =>
  path.split('.').reduce<unknown>((at, key) => (at as Record<string, unknown> | undefined)?.[key], value)

/** Without the fields of ours; each must be there, so that the list of additions stays true. */
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

const likes: Record<string, (value: unknown) => boolean> = {
  '<time>': (value) => /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/.test(String(value)),
  '<id>': (value) => Number.isInteger(value) && Number(value) > 0,
  '<seconds>': (value) => typeof value === 'number' && value >= 0 && value < 60,
  '<words>': (value) => typeof value === 'string' && value.length > 5,
}

/** `seen` with each value that is like its placeholder replaced by it, so that deepEqual shows the rest. */
function likened(seen: unknown, wanted: unknown): unknown {
  if (typeof wanted === 'string' && likes[wanted]?.(seen)) return wanted
  if (Array.isArray(wanted) && Array.isArray(seen)) return seen.map((one, at) => likened(one, wanted[at]))
  if (!isRecord(wanted) || !isRecord(seen)) return seen
  return Object.fromEntries(Object.entries(seen).map(([key, value]) => [key, likened(value, wanted[key])]))
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

test('Every endpoint of Octopod 1.6 has a recorded example', () => {
  const asked = [...recorded.values()].flat().map(({ request }) => request)
  const covered = (name: EndpointName) => {
    const path = new RegExp(`^${api[name].path.replace(/:\w+/g, '[^/]+')}$`)
    return asked.some((request) => request.method === api[name].method && path.test(request.path))
  }
  const contract = (Object.keys(api) as EndpointName[]).filter((name) => !api[name].ours)
  assert.deepEqual(
    contract.filter((name) => !covered(name)),
    [],
  )
})

test('A server that shuts down rejects new actions with 405', async () => {
  const settings = readSettings('server', { DATABASE_URL: 'unused', REDIS_URL: 'unused' })
  const services = {
    settings,
    closing: AbortSignal.abort(),
    log: pino({ level: 'silent' }),
  } as unknown as Services
  const body = JSON.stringify({ name: 'orion', app_overrides: [], deployment_overrides: [] })
  const headers = { 'Content-Type': 'application/json' }
  const app = createApp(services)
  const answer = await app.request(`${apiPrefix}/deployments`, { method: 'POST', body, headers })
  assert.equal(answer.status, 405)
  const { tag, error_message } = (await answer.json()) as Record<string, unknown>
  assert.equal(tag, 'AppError')
  assert.match(String(error_message), /shutting down/)
})
