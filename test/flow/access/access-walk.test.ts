/**
 * Walks every endpoint as every kind of caller, with own, unowned and other deployments inside and outside of the pattern of
 * names, and compares each answer with the table that access-table.ts has written down by hand.
 */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import pg from 'pg'
import { api, type EndpointName } from '../../../domain/api-schema.ts'
import { buildPath } from '../../../domain/endpoints.ts'
import { openEventStream } from '../../helpers/sse-client.ts'
import { adminHeader } from '../../helpers/system.ts'
import { waitFor } from '../../helpers/wait-for.ts'
import { connectWebSocket } from '../../helpers/websocket-client.ts'
import { type AccessSystem, type Caller, startAccessSystem } from './access-callers.ts'
import { createTargets, insertSession, type Target } from './access-fixtures.ts'
import { expectedOutcome, type Outcome, rowOfEndpoint } from './access-table.ts'

let system: AccessSystem
let client: pg.Client
let targetsOf: (caller: Caller) => Target[]
/** Of the callers who may read, open during the whole walk. */
const sockets = new Map<Caller, Awaited<ReturnType<typeof connectWebSocket>>>()
before(async () => {
  system = await startAccessSystem()
  client = new pg.Client({ connectionString: system.all.system.databaseUrl })
  await client.connect()
  targetsOf = await createTargets(client, system.callers)
  for (const caller of system.callers.filter(mayRead))
    sockets.set(caller, await connectWebSocket(caller.url, [], { headers: caller.headers }))
})
after(async () => {
  for (const socket of sockets.values()) socket.close()
  await client?.end()
  await system?.stop()
})

const mayRead = ({ inside, outside }: Caller) => inside !== null || outside !== null
const isVisible = (name: string, { inside, outside }: Caller) =>
  (name.startsWith('in-') ? inside : outside) !== null

/** One request of the walk. `target` null: it is about no deployment. */
type Step = {
  what: string
  method: string
  path: string
  body?: unknown
  expected: Outcome
  target: Target | null
}

const names = Object.keys(api) as EndpointName[]

async function* stepsOf(caller: Caller): AsyncGenerator<Step> {
  for (const name of names) {
    const { method, path } = api[name]
    const row = rowOfEndpoint[name]
    assert.ok(row !== undefined, `access-table.ts has no row for the endpoint ${name}`)
    const step = (
      params: Record<string, string | number>,
      expected: Outcome,
      target: Target | null,
      more: { query?: string; body?: unknown } = {},
    ): Step => ({
      what: `${name}${more.query ?? ''}${target === null ? '' : ` of ${target.name}`}`,
      method,
      path: buildPath(name, params) + (more.query ?? ''),
      body: more.body ?? bodyOf(name, target),
      expected,
      target,
    })
    if (row === 'open') yield step({}, 'allowed', null)
    else if (row === 'known') {
      const expected = caller.isAnonymous && caller.inside === null ? '401' : 'allowed'
      yield step({}, expected, null, name === 'explainPolicy' ? { query: '?right=read' } : {})
    } else if (row === 'device_login') {
      // A token acts as somebody, so nobody in particular can approve it. Who approves: test/flow/sign-in/device-login.test.ts.
      const user_code = 'BCDF-GHJK'
      const expected = caller.isAnonymous ? '401' : '404'
      if (method === 'GET') yield step({}, expected, null, { query: `?user_code=${user_code}` })
      else yield step({}, expected, null, { body: { user_code, approve: false } })
    } else if (row === 'revoke_token') {
      // Whose tokens one may revoke: test/flow/sign-in/access-tokens.test.ts.
      yield step({ token_id: 999_999 }, caller.isAnonymous && caller.inside === null ? '401' : '404', null)
    } else if (row === 'end_session') {
      const isAdmin = expectedOutcome('administer', caller, null, 'nothing') === 'allowed'
      const unknown = caller.isAnonymous && caller.inside === null ? '401' : '404'
      yield step({ session_id: await insertSession(client, null) }, isAdmin ? 'allowed' : unknown, null)
      yield step({ session_id: 999_999 }, unknown, null)
      if (caller.person !== null)
        yield step({ session_id: await insertSession(client, caller.person) }, 'allowed', null)
    } else if (row === 'operate_all' || row === 'administer_all') {
      // A refusal of the first kind comes before the body is read.
      const role = row === 'operate_all' ? 'operate' : 'administer'
      const one = expectedOutcome(role, caller, null, 'nothing')
      const all = expectedOutcome(role, { ...caller, inside: caller.outside }, null, 'nothing')
      const expected = one === 'allowed' && all !== 'allowed' ? '403' : one
      const body = method === 'GET' ? undefined : { reason: 'test', for_seconds: 1, replace: true }
      yield step({ what: 'retention' }, expected, null, { body })
    } else if (path.includes(':delivery_id')) {
      const outcome = expectedOutcome(row, caller, null, 'nothing')
      yield step({ delivery_id: 999_999 }, outcome === 'allowed' ? '404' : outcome, null)
    } else if (path.includes(':') || name === 'createDeployment') {
      const by = path.includes(':name') ? 'name' : path.includes(':action_id') ? 'action' : 'body'
      for (const target of targetsOf(caller)) {
        const expected = expectedOutcome(row, caller, target, by)
        // It would create the deployment.
        if (name === 'createDeployment' && target.owner === 'missing' && expected === 'allowed') continue
        yield step({ name: target.name, action_id: target.actionId }, expected, target)
      }
    } else yield step({}, expectedOutcome(row, caller, null, 'nothing'), null)
  }
  // What only an admin may ask about everybody.
  const asAdmin = expectedOutcome('administer', caller, null, 'nothing')
  for (const path of ['/sessions?all=true', '/tokens?all=true', '/policy/explain?right=read&as=stranger'])
    yield { what: path, method: 'GET', path: `/api/v1${path}`, expected: asAdmin, target: null }
}

/** Valid, and without an effect on the fixtures. */
function bodyOf(name: EndpointName, target: Target | null): unknown {
  if (name === 'createDeployment') return { name: target?.name, app_overrides: [], deployment_overrides: [] }
  if (name === 'updateDeployment') return { app_overrides: [], deployment_overrides: [] }
  if (name === 'rollbackDeployment') return { action_id: target?.actionId }
  if (name === 'cloneDeployment') return { name: target?.name }
  if (name === 'setOwner') return { owner: target?.ownerSubject ?? null }
  if (name === 'changeLabels') return {}
  if ('body' in api[name]) return []
  return undefined
}

async function send(
  caller: Caller,
  { method, path, body }: Step,
): Promise<{ outcome: Outcome; text: string }> {
  const abort = new AbortController()
  const response = await fetch(caller.url + path, {
    method,
    headers: {
      ...caller.headers,
      ...(path.endsWith('/device_login') ? { Origin: system.all.origin } : {}),
      ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
    },
    body: body === undefined ? null : JSON.stringify(body),
    signal: abort.signal,
  })
  // The output of a running action and the audit log have no end.
  const isStream = /^(text\/event-stream|application\/x-ndjson)/.test(
    response.headers.get('content-type') ?? '',
  )
  const text = isStream ? '' : await response.text()
  if (isStream) abort.abort()
  const { status } = response
  assert.ok(status < 500, `${method} ${path}: ${status} ${text}`)
  const outcome = ([401, 403, 404] as const).find((one) => one === status)
  return { outcome: outcome === undefined ? 'allowed' : (`${outcome}` as Outcome), text }
}

test('Every endpoint answers every kind of caller as the table says', async (t) => {
  const differences: string[] = []
  let requests = 0
  const counts: Record<Outcome, number> = { allowed: 0, 401: 0, 403: 0, 404: 0 }
  await inTurns(system.callers, 6, async (caller) => {
    for await (const step of stepsOf(caller)) {
      const { outcome, text } = await send(caller, step)
      requests += 1
      counts[outcome] += 1
      if (outcome !== step.expected)
        differences.push(
          `${caller.title}: ${step.what}: ${outcome}, not ${step.expected}: ${text.slice(0, 200)}`,
        )
    }
  })
  t.diagnostic(`${requests} requests of ${system.callers.length} callers: ${JSON.stringify(counts)}`)
  assert.deepEqual(differences.slice(0, 40), [])
  for (const outcome of ['allowed', '401', '403', '404'] as const) assert.ok(counts[outcome] > 50)
})

test('A list holds the deployments that its reader may see, and no others', async () => {
  const { rows } = await client.query<{ name: string }>('select name from deployments')
  const views = new Map<string, Set<string>>()
  for (const caller of system.callers.filter(mayRead)) {
    const expected = rows.map(({ name }) => name).filter((name) => isVisible(name, caller))
    const read = async (path: string) => {
      const response = await fetch(`${caller.url}/api/v1${path}`, { headers: caller.headers })
      const view = response.headers.get('octopod-view') ?? ''
      views.set(view, (views.get(view) ?? new Set()).add(expected.toSorted().join()))
      return response.json()
    }
    const list = (await read('/deployments')) as { deployment: { name: string } }[]
    assert.deepEqual(list.map(({ deployment }) => deployment.name).sort(), expected.toSorted(), caller.title)
    const onlyNames = (await read('/deployment_names')) as string[]
    assert.deepEqual(onlyNames.toSorted(), expected.toSorted(), caller.title)
  }
  // Callers with the same header see the same: all names or those inside, each with and without secrets.
  assert.deepEqual(
    [...views.values()].map(({ size }) => size),
    [1, 1, 1, 1],
  )
})

test('A websocket gets the events that its reader may see, and no others, without gaps', async () => {
  for (const caller of system.callers)
    if (!mayRead(caller))
      await assert.rejects(
        connectWebSocket(caller.url, [], { headers: caller.headers }),
        caller.isAnonymous ? /rejected: 401/ : /rejected: 403/,
        caller.title,
      )
  // One event for each deployment; those that some may not see come first.
  const admin = system.callers.find(({ title }) => title === 'the admin header')
  const { rows } = await client.query<{ name: string }>('select name from deployments order by name desc')
  for (const { name } of rows) {
    const path = buildPath('setOwner', { name })
    const body = JSON.stringify({ owner: null })
    const headers = { ...admin?.headers, 'Content-Type': 'application/json' }
    assert.equal((await fetch(`${admin?.url}${path}`, { method: 'PUT', headers, body })).status, 200)
  }
  const last = rows.at(-1)?.name
  for (const [caller, socket] of sockets) {
    await socket.until(`${caller.title} has got the last event`, () =>
      socket
        .events()
        .some((event) => event.name === last && event.type === 'deployment' && !event.deployment.owner),
    )
    const seen = new Set(socket.events().map(({ name }) => name))
    assert.deepEqual(
      [...seen].sort(),
      rows
        .map(({ name }) => name)
        .filter((name) => isVisible(name, caller))
        .sort(),
      caller.title,
    )
    // A resync has a number of its own, or repeats the present one.
    const numbers = [
      ...new Set(
        socket.messages.flatMap((message) =>
          message.type === 'event' || message.type === 'resync' ? [message.seq] : [],
        ),
      ),
    ]
    const [first = 0] = numbers
    assert.deepEqual(
      numbers,
      numbers.map((_, at) => first + at),
      caller.title,
    )
  }
})

test('A stream of output brings it to who may read it, and ends with the session', async () => {
  const title = 'a session: developer of in'
  const caller = system.callers.find((one) => one.title === title)
  assert.ok(caller)
  const target = targetsOf(caller).find(({ place, owner }) => place === 'inside' && owner === 'somebody else')
  assert.ok(target)
  const stream = await openEventStream(
    caller.url + buildPath('streamOutput', { action_id: target.actionId }),
    caller.headers,
  )
  await client.query(
    `insert into action_output (action_id, fencing_token, seq, stream, text) values ($1, 1, 1, 'stdout', 'hello')`,
    [target.actionId],
  )
  assert.match((await stream.next()).data, /"text":"hello"/)
  const { rows } = await client.query<{ id: string }>('select id from sessions where subject = $1', [
    caller.person?.subject,
  ])
  for (const { id } of rows) {
    const path = buildPath('endSession', { session_id: id })
    const admin = { Authorization: adminHeader }
    assert.equal((await fetch(caller.url + path, { method: 'DELETE', headers: admin })).status, 200)
  }
  assert.deepEqual(await stream.rest(), [])
  assert.equal(await closeCodeOf(caller), 4401)
})

const closeCodeOf = (caller: Caller) =>
  waitFor('the websocket is closed', async () => {
    const code = sockets.get(caller)?.closeCode() ?? null
    return { done: code !== null, value: code, seen: code }
  })

async function inTurns<T>(all: readonly T[], atOnce: number, work: (one: T) => Promise<void>): Promise<void> {
  const waiting = [...all]
  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      for (let one = waiting.shift(); one !== undefined; one = waiting.shift()) await work(one)
    }),
  )
}
