/** Labels and titles over HTTP: create, change, audit, events, and what a client of 1.6 sees. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { FullInfo } from '../../domain/schemas.ts'
import { type ApiClient, createApiClient } from '../helpers/api-client.ts'
import { type System, startSystem } from '../helpers/system.ts'
import { connectWebSocket } from '../helpers/websocket-client.ts'

let system: System
let client: ApiClient
before(async () => {
  system = await startSystem()
  client = createApiClient(system.url)
})
after(() => system.stop())

const create = (name: string, more: Record<string, unknown> = {}) =>
  client.api('POST', '/deployments', { name, app_overrides: [], deployment_overrides: [], ...more })
const label = (name: string, body: unknown, headers?: Record<string, string>) =>
  client.api('PATCH', `/deployments/${name}/labels`, body, headers)
const shownIn = async (name: string) => {
  const { labels, title, revision } = await client.fullInfo(name)
  return { labels, title, revision }
}
const auditOf = async (name: string) => {
  const { body } = await client.api('GET', `/audit?deployment=${name}`)
  return (body as { entries: { operation: string; details: Record<string, unknown> }[] }).entries
}

test('A deployment without labels has an empty object and no title', async () => {
  assert.equal((await create('plain')).status, 200)
  const { labels, title } = await shownIn('plain')
  assert.deepEqual([labels, title], [{}, null])
})

test('Labels and a title come with the create request, and are in its audit entry', async () => {
  assert.equal(
    (await create('made', { labels: { team: 'shop', 'example.com/env': '' }, title: ' Search ' })).status,
    200,
  )
  const { labels, title } = await shownIn('made')
  assert.deepEqual([labels, title], [{ team: 'shop', 'example.com/env': '' }, 'Search'])
  const list = (await client.api('GET', '/deployments')).body as FullInfo[]
  assert.deepEqual(list.find(({ deployment }) => deployment.name === 'made')?.labels, labels)
  const [entry] = await auditOf('made')
  assert.deepEqual(entry?.details.labels, [
    { key: 'example.com/env', before: null, after: '' },
    { key: 'team', before: null, after: 'shop' },
  ])
  assert.deepEqual(entry?.details.title, { before: null, after: 'Search' })
})

test('A change sets and removes labels and the title; the config and its revision stay', async () => {
  await create('changed', { labels: { team: 'shop', old: 'x' } })
  const start = await shownIn('changed')
  const socket = await connectWebSocket(system.url)
  const reply = await label('changed', {
    set: { team: 'web', env: 'qa' },
    remove: ['old', 'missing'],
    title: 'New',
  })
  assert.equal(reply.status, 200, reply.text)
  const { labels, title, revision } = await shownIn('changed')
  assert.deepEqual([labels, title], [{ team: 'web', env: 'qa' }, 'New'])
  assert.ok(revision > start.revision)
  await socket.until('the event has the labels', () =>
    JSON.stringify(socket.events()).includes('"title":"New"'),
  )
  socket.close()
  const [entry] = await auditOf('changed')
  assert.equal(entry?.operation, 'label')
  assert.deepEqual(entry?.details, {
    labels: [
      { key: 'env', before: null, after: 'qa' },
      { key: 'old', before: 'x', after: null },
      { key: 'team', before: 'shop', after: 'web' },
    ],
    title: { before: null, after: 'New' },
  })
  // An update that was computed before still holds: labels are no config.
  const settled = await client.waitForStatus('changed', 'Running')
  await label('changed', { set: { team: 'shop' } })
  const update = { app_overrides: [], deployment_overrides: [] }
  const ifMatch = { 'If-Match': `"${settled.revision}"` }
  const updated = await client.api('PUT', '/deployments/changed', update, ifMatch)
  assert.equal(updated.status, 200, updated.text)
})

test('What changes nothing writes nothing; a repeated key acts once', async () => {
  await create('still', { labels: { team: 'shop' } })
  const { revision } = await client.waitForStatus('still', 'Running')
  for (const body of [{}, { set: { team: 'shop' } }, { remove: ['x'] }, { title: null }])
    assert.equal((await label('still', body)).status, 200)
  assert.equal((await shownIn('still')).revision, revision)
  assert.equal((await auditOf('still')).length, 1)
  const key = { 'Idempotency-Key': 'once' }
  assert.equal((await label('still', { set: { a: '1' } }, key)).status, 200)
  assert.equal((await label('still', { set: { a: '2' } })).status, 200)
  assert.equal((await label('still', { set: { a: '1' } }, key)).status, 200)
  assert.equal((await shownIn('still')).labels?.a, '2')
  assert.equal((await label('still', { set: { a: '3' } }, key)).status, 422)
})

test('Bad input is refused with a message', async () => {
  await create('bad', { labels: Object.fromEntries(Array.from({ length: 60 }, (_, at) => [`k${at}`, 'v'])) })
  const many = (count: number) =>
    Object.fromEntries(Array.from({ length: count }, (_, at) => [`n${at}`, 'v']))
  for (const [body, expected] of [
    [{ set: { 'a b': 'x' } }, /may hold only letters/],
    [{ set: { a: '\u202ex' } }, /body\.set: The value \\"\\\\u202ex/],
    [{ set: { a: 'x\u0000' } }, /may hold only letters/],
    [{ set: { a: 'x'.repeat(64) } }, /too long/],
    [{ set: many(1000) }, /at most 64 labels/],
    [{ set: many(5) }, /would have 65 labels: at most 64/],
    [{ set: { a: '1' }, remove: ['a'] }, /set and removed/],
    [{ title: 'a\u202eb' }, /direction of text/],
    [{ title: 'x'.repeat(101) }, /too long/],
    [{ labels: {} }, /labels/],
    ['{"set":{"a":"1","a":"2"}}', /twice/],
  ] as const) {
    const { status, text } = await label('bad', body)
    assert.equal(status, 400, text)
    assert.match(text, expected)
  }
  assert.equal((await label('missing', { set: { a: '1' } })).status, 404)
  assert.equal((await create('bad-2', { labels: { a: 'ä' } })).status, 400)
})

test('Concurrent changes of one deployment keep each other', async () => {
  await create('both')
  await Promise.all(Array.from({ length: 20 }, (_, at) => label('both', { set: { [`k${at}`]: 'v' } })))
  assert.equal(Object.keys((await shownIn('both')).labels ?? {}).length, 20)
})
