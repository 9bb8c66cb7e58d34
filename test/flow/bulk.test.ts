/** One change of many deployments over HTTP. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { BulkLine } from '../../domain/changes/bulk-schemas.ts'
import { headers } from '../../domain/endpoints.ts'
import { type ApiClient, createApiClient, getActionId } from '../helpers/api-client.ts'
import { adminHeader, type System, startSystem } from '../helpers/system.ts'
import { startTcpProxy } from '../helpers/tcp-proxy.ts'
import { waitFor } from '../helpers/wait-for.ts'
import { withDatabase } from '../helpers/with-database.ts'

let system: System
let client: ApiClient
before(async () => {
  system = await startSystem({
    env: {
      ANONYMOUS_ROLE: 'none',
      ACTOR_HEADER: 'X-Person',
      TRUSTED_PROXIES: '127.0.0.1',
      SIGNED_IN_ROLE: 'developer',
    },
  })
  client = createApiClient(system.url)
})
after(() => system.stop())

const linesIn = (text: string): BulkLine[] =>
  text
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as BulkLine)
const byName = <Item extends { name: string }>(lines: readonly Item[]): Item[] =>
  [...lines].sort((a, b) => (a.name < b.name ? -1 : 1))

async function bulk(body: unknown, headers?: Record<string, string>, by: ApiClient = client) {
  const reply = await by.api('POST', '/bulk', body, headers)
  return { ...reply, lines: reply.status === 200 ? byName(linesIn(reply.text)) : [] }
}
const outcomes = (lines: readonly BulkLine[]) =>
  lines.map(({ name, outcome, error }) => `${name} ${outcome}${error ? ` ${error.code}` : ''}`)

async function createAll(...names: string[]): Promise<void> {
  await Promise.all(names.map((name) => client.create(name, { a: '1' })))
  for (const name of names) await client.waitForStatus(name, 'Running')
}

test('Each deployment is accepted or refused by itself, and what is done already is unchanged', async () => {
  await createAll('one-1', 'one-2', 'one-3')
  await client.archive('one-3')
  await client.waitForStatus('one-3', 'Archived')
  const names = ['one-1', 'one-2', 'one-3', 'missing']
  const dry = await bulk({ operation: 'archive', names, dry_run: true })
  const expected = [
    'missing refused no_such_deployment',
    'one-1 accepted',
    'one-2 accepted',
    'one-3 unchanged',
  ]
  assert.deepEqual(outcomes(dry.lines), expected)
  assert.equal((await client.actions('one-1')).length, 1)
  const done = await bulk({ operation: 'archive', names })
  assert.match(done.headers.get('content-type') ?? '', /ndjson/)
  assert.deepEqual(outcomes(done.lines), expected)
  const accepted = done.lines.find(({ name }) => name === 'one-1')
  assert.equal((await client.actions('one-1'))[0]?.action_id, accepted?.action_id)
  for (const name of ['one-1', 'one-2']) await client.waitForStatus(name, 'Archived')
  assert.deepEqual(outcomes((await bulk({ operation: 'restore', names: ['one-1', 'one-2'] })).lines), [
    'one-1 accepted',
    'one-2 accepted',
  ])
  for (const name of ['one-1', 'one-2']) await client.waitForStatus(name, 'Running')
})

test('A key is set and unset beside the other overrides; labels change; what changes nothing is unchanged', async () => {
  await createAll('two-1', 'two-2')
  const names = ['two-1', 'two-2']
  const set = { operation: 'set', names, override: { level: 'application', key: 'b', value: 'x' } }
  assert.deepEqual(outcomes((await bulk(set)).lines), ['two-1 accepted', 'two-2 accepted'])
  for (const name of names) {
    const { deployment } = await client.waitForStatus(name, 'Running')
    assert.deepEqual(
      deployment.app_overrides.map(([key]) => key),
      ['a', 'b'],
    )
  }
  assert.deepEqual(outcomes((await bulk(set)).lines), ['two-1 unchanged', 'two-2 unchanged'])
  const unset = { operation: 'unset', names: ['two-1'], override: { level: 'application', key: 'a' } }
  assert.deepEqual(outcomes((await bulk(unset)).lines), ['two-1 accepted'])
  await client.waitForStatus('two-1', 'Running')
  const label = { operation: 'label', names, labels: { set: { team: 'shop' } } }
  assert.deepEqual(outcomes((await bulk({ ...label, dry_run: true })).lines), [
    'two-1 accepted',
    'two-2 accepted',
  ])
  assert.deepEqual((await client.fullInfo('two-1')).labels, {})
  assert.deepEqual(outcomes((await bulk(label)).lines), ['two-1 accepted', 'two-2 accepted'])
  assert.deepEqual(outcomes((await bulk(label)).lines), ['two-1 unchanged', 'two-2 unchanged'])
  assert.deepEqual((await client.fullInfo('two-2')).labels, { team: 'shop' })
})

test('Running actions are cancelled, and failed ones are retried', async () => {
  await createAll('three-1', 'three-2')
  await system.setBehavior('update', 'hang')
  await client.update('three-1', { a: '2' })
  const cancelled = await bulk({ operation: 'cancel', names: ['three-1', 'three-2'] })
  assert.deepEqual(outcomes(cancelled.lines), ['three-1 accepted', 'three-2 unchanged'])
  await client.waitForActionEnd(cancelled.lines[0]?.action_id ?? 0)
  await system.setBehavior('update', 'exit 0')
  const retried = await bulk({ operation: 'retry', names: ['three-1', 'three-2'] })
  assert.deepEqual(outcomes(retried.lines), ['three-1 accepted', 'three-2 unchanged'])
  const { deployment } = await client.waitForStatus('three-1', 'Running')
  assert.deepEqual(deployment.app_overrides, [['a', { tag: 'ValueAdded', contents: '2' }]])
})

test('A busy deployment is refused, or its change waits, or replaces what runs', async () => {
  await createAll('busy-1')
  const hangs = getActionId(await client.update('busy-1', { 'behave.update': 'hang' }))
  const override = { level: 'application', key: 'behave.update', value: 'exit 0' }
  const set = { operation: 'set', names: ['busy-1'], override }
  assert.deepEqual(outcomes((await bulk(set)).lines), ['busy-1 refused busy'])
  assert.deepEqual(outcomes((await bulk({ ...set, when_busy: 'fail' })).lines), ['busy-1 refused busy'])
  const dry = await bulk({ ...set, when_busy: 'wait', dry_run: true })
  assert.deepEqual(dry.lines, [{ name: 'busy-1', outcome: 'accepted' }])
  const waits = (await bulk({ ...set, when_busy: 'wait' })).lines[0]?.action_id
  assert.equal((await client.fullInfo('busy-1')).waiting_action?.action_id, waits)
  const replaces = (await bulk({ ...set, when_busy: 'replace' })).lines[0]?.action_id ?? 0
  const states = []
  for (const id of [hangs, waits ?? 0, replaces]) states.push((await client.waitForActionEnd(id)).state)
  assert.deepEqual(states, ['cancelled', 'superseded', 'succeeded'])
  await client.waitForStatus('busy-1', 'Running')
})

test('A repeated key repeats what was done and goes on with the other names', async () => {
  await createAll('four-1', 'four-2')
  const set = { operation: 'set', override: { level: 'application', key: 'b', value: 'x' } }
  const key = { 'Idempotency-Key': 'go-on' }
  const first = await bulk({ ...set, names: ['four-1'] }, key)
  await client.waitForStatus('four-1', 'Running')
  const again = await bulk({ ...set, names: ['four-1', 'four-2'] }, key)
  assert.deepEqual(outcomes(again.lines), ['four-1 accepted', 'four-2 accepted'])
  assert.equal(again.lines[0]?.action_id, first.lines[0]?.action_id)
  assert.equal((await client.actions('four-1')).length, 2)
  const other = await bulk({ operation: 'archive', names: ['four-1'] }, key)
  assert.deepEqual(outcomes(other.lines), ['four-1 refused idempotency_key_reused'])
})

test('An action that was cancelled while it waited is neither retried nor cancelled again', async () => {
  await createAll('waits')
  const running = getActionId(await client.update('waits', { 'behave.update': 'hang' }))
  const wait = { [headers.whenBusy]: 'wait' }
  const archive = await client.api('DELETE', '/deployments/waits', undefined, wait)
  await client.api('POST', `/actions/${getActionId(archive)}/cancel`)
  const cancelled = await bulk({ operation: 'cancel', names: ['waits'] })
  assert.equal(cancelled.lines[0]?.action_id, running)
  await client.waitForActionEnd(running)
  const retried = await bulk({ operation: 'retry', names: ['waits'] })
  assert.deepEqual(outcomes(retried.lines), ['waits accepted'])
  assert.equal((await client.fullInfo('waits')).last_action?.action, 'UpdateAction')
})

test('A repeated key cancels the same action, not the one that has started since', async () => {
  await createAll('twice')
  const first = getActionId(await client.update('twice', { 'behave.update': 'hang' }))
  const wait = { [headers.whenBusy]: 'wait' }
  const next = getActionId(await client.update('twice', { a: '2' }, wait))
  const cancel = () =>
    bulk({ operation: 'cancel', names: ['twice'] }, { [headers.idempotencyKey]: 'cancel-1' })
  assert.equal((await cancel()).lines[0]?.action_id, first)
  await client.waitForActionEnd(first)
  assert.equal((await cancel()).lines[0]?.action_id, first)
  assert.equal((await client.waitForActionEnd(next)).state, 'succeeded')
})

/** Changes the config while the config_check of a bulk request to `server` runs. Returns the outcomes of that request. */
async function setWhileConfigChanges(name: string, server: ApiClient): Promise<string[]> {
  const checksBefore = (await system.scriptCalls('config_check')).length
  await system.setBehavior('config_check', 'pause 1')
  const set = { operation: 'set', override: { level: 'application', key: 'b', value: 'x' } }
  const change = bulk({ ...set, names: [name] }, { [headers.idempotencyKey]: `${name}-1` }, server)
  await waitFor('config_check runs', async () => {
    const seen = (await system.scriptCalls('config_check')).length
    return { done: seen > checksBefore, value: null, seen }
  })
  const overrides = JSON.stringify([['z', { tag: 'ValueAdded', contents: '1' }]])
  await withDatabase(system.databaseUrl, (db) =>
    db.query(`update deployments set app_overrides = '${overrides}' where name = '${name}'`),
  )
  const { lines } = await change
  await system.setBehavior('config_check', 'exit 0')
  return outcomes(lines)
}

test('With a key, a change is computed again when the config has changed meanwhile', async () => {
  await createAll('moves')
  assert.deepEqual(await setWhileConfigChanges('moves', client), ['moves accepted'])
  const { deployment } = await client.waitForStatus('moves', 'Running')
  assert.deepEqual(deployment.app_overrides.map(([key]) => key).sort(), ['b', 'z'])
})

test('A change that is computed again is accepted when the time of the database arrives late', async () => {
  await createAll('moves-late')
  const proxy = await startTcpProxy(system.databaseUrl)
  const { url, stop } = await system.startServer({ DATABASE_URL: proxy.url })
  try {
    proxy.delayAnswers('databaseTimeMs', 300)
    const accepted = await setWhileConfigChanges('moves-late', createApiClient(url))
    assert.deepEqual(accepted, ['moves-late accepted'])
    await client.waitForStatus('moves-late', 'Running')
  } finally {
    await stop()
    await proxy.close()
  }
})

test('Deployments of other owners are refused with an audit entry, and the rest is done', async () => {
  const as = (person: string) => {
    const plain = createApiClient(system.url, null)
    const api: ApiClient['api'] = (method, path, body, headers) =>
      plain.api(method, path, body, { ...headers, 'X-Person': person })
    return { ...plain, api }
  }
  const [ann, ben] = [as('ann'), as('ben')]
  const body = { app_overrides: [], deployment_overrides: [] }
  await ann.api('POST', '/deployments', { name: 'ann-1', ...body })
  await ben.api('POST', '/deployments', { name: 'ben-1', ...body })
  for (const name of ['ann-1', 'ben-1']) await client.waitForStatus(name, 'Running')
  for (const dry_run of [true, false]) {
    const { lines } = await bulk({ operation: 'archive', names: ['ann-1', 'ben-1'], dry_run }, {}, ben)
    assert.deepEqual(outcomes(lines), ['ann-1 refused forbidden', 'ben-1 accepted'])
    assert.match(lines[0]?.error?.message ?? '', /ann owns ann-1/)
  }
  const audit = await client.api('GET', '/audit?deployment=ann-1&outcome=refused')
  assert.equal((audit.body as { entries: unknown[] }).entries.length, 2)
  assert.equal(
    (await bulk({ operation: 'archive', names: ['ann-1'] }, {}, createApiClient(system.url, null))).status,
    401,
  )
})

test('Invalid requests are refused as a whole', async () => {
  const many = Array.from({ length: 501 }, (_, at) => `n-${at}`)
  for (const [body, expected] of [
    [{ operation: 'archive', names: many }, /At most 500 names/],
    [{ operation: 'archive', names: [] }, /One name at least/],
    [{ operation: 'archive', names: ['a-1', 'b-1', 'a-1'] }, /body\.names\.2: a-1 is given twice/],
    [{ operation: 'archive', names: ['A/b'] }, /is not the name of a deployment/],
    [{ operation: 'delete', names: ['a-1'] }, /operation/],
    [{ operation: 'set', names: ['a-1'] }, /set needs override/],
    [{ operation: 'archive', names: ['a-1'], labels: { set: {} } }, /archive has no labels/],
    [{ operation: 'archive', names: ['a-1'], when_busy: 'later' }, /when_busy/],
    [{ operation: 'retry', names: ['a-1'], when_busy: 'wait' }, /retry has no when_busy/],
    [
      { operation: 'unset', names: ['a-1'], override: { level: 'application', key: 'a', value: 'x' } },
      /no override\.value/,
    ],
    [
      { operation: 'set', names: ['a-1'], override: { level: 'application', key: 'a b', value: 'x' } },
      /white space/,
    ],
  ] as const) {
    const { status, text } = await bulk(body)
    assert.equal(status, 400, text)
    assert.match(text, expected)
  }
})

test('Two people who set different keys of the same deployments both succeed or learn that they are busy', async () => {
  const names = Array.from({ length: 6 }, (_, at) => `both-${at}`)
  await createAll(...names)
  const set = (key: string) =>
    bulk({ operation: 'set', names, override: { level: 'application', key, value: 'x' } })
  const results = (await Promise.all([set('left'), set('right')])).flatMap(({ lines }) => lines)
  assert.equal(results.length, 12)
  for (const { outcome, error } of results)
    assert.ok(
      outcome === 'accepted' || ['busy', 'invalid_transition'].includes(error?.code ?? ''),
      String(error?.code),
    )
  for (const name of names) {
    const { deployment } = await client.waitForStatus(name, 'Running')
    const accepted = results.filter((line) => line.name === name && line.outcome === 'accepted')
    assert.equal(deployment.app_overrides.length, 1 + accepted.length)
  }
})

test('After a disconnect and after the end of a server, a repeated request finishes what is missing, once', async () => {
  const names = Array.from({ length: 30 }, (_, at) => `many-${at}`)
  await createAll(...names)
  await system.setBehavior('config_check', 'pause 0.1')
  const body = JSON.stringify({
    operation: 'set',
    names,
    override: { level: 'application', key: 'b', value: 'x' },
  })
  const headers = { Authorization: adminHeader, 'Content-Type': 'application/json', 'Idempotency-Key': 'cut' }
  const accepted = new Set<string>()
  const second = await system.startServer()
  for (const end of ['disconnect', 'kill'] as const) {
    const abort = new AbortController()
    const url = end === 'kill' ? second.url : system.url
    const response = await fetch(`${url}/api/v1/bulk`, {
      method: 'POST',
      headers,
      body,
      signal: abort.signal,
    })
    let text = ''
    const read = (async () => {
      for await (const piece of response.body ?? []) {
        text += Buffer.from(piece as Uint8Array).toString()
        for (const { name, outcome } of linesIn(text.slice(0, text.lastIndexOf('\n') + 1)))
          if (outcome === 'accepted') accepted.add(name)
        if (accepted.size < (end === 'kill' ? 12 : 4)) continue
        if (end === 'disconnect') abort.abort()
        else second.signal('SIGKILL')
      }
    })()
    await read.catch(() => {})
  }
  assert.ok(accepted.size < names.length, `${accepted.size} before the end`)
  const rest = await bulk(body, { 'Idempotency-Key': 'cut' })
  assert.deepEqual(
    outcomes(rest.lines),
    byName(names.map((name) => ({ name, outcome: 'accepted' }))).map(({ name }) => `${name} accepted`),
  )
  for (const name of names) {
    await client.waitForStatus(name, 'Running')
    assert.equal((await client.actions(name)).length, 2, name)
  }
})

test('A caller has at most two such requests at a time', async () => {
  const names = Array.from({ length: 200 }, (_, at) => `no-${at}`)
  const replies = await Promise.all(
    Array.from({ length: 6 }, () => bulk({ operation: 'archive', names, dry_run: true })),
  )
  assert.ok(replies.some(({ status }) => status === 429))
  await waitFor('the caller may send again', async () => {
    const { status } = await bulk({ operation: 'archive', names: ['no-1'] })
    return { done: status === 200, value: null, seen: status }
  })
})
