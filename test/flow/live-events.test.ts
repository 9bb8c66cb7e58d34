/** Change events over the websocket: order, revisions, resync, rejected and slow clients. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type ApiClient, createApiClient } from '../helpers/api-client.ts'
import { type System, startSystem } from '../helpers/system.ts'
import { connectWebSocket } from '../helpers/websocket-client.ts'
import { withDatabase } from '../helpers/with-database.ts'

let system: System
let octopod: ApiClient
before(async () => {
  system = await startSystem()
  octopod = createApiClient(system.url)
})
after(() => system?.stop())

test('Every server relays every change once, with growing revisions and no gap in the sequence', async () => {
  const other = await system.startServer()
  const clients = await Promise.all([connectWebSocket(system.url), connectWebSocket(other.url)])
  await octopod.create('seen')
  await octopod.waitForStatus('seen', 'Running')
  await octopod.archive('seen')
  await octopod.waitForStatus('seen', 'Archived')
  await octopod.cleanup('seen')
  await octopod.waitUntilDeleted('seen')
  for (const client of clients) {
    await client.until('the deletion', () => client.events().some((event) => event.type === 'deleted'))
    const revisions = client.events().map((event) => event.revision)
    assert.deepEqual(
      revisions,
      [...new Set(revisions)].toSorted((a, b) => a - b),
    )
    const seqs = client.messages.map((message) => message.seq)
    assert.deepEqual(
      seqs,
      seqs.map((_, at) => (seqs[0] ?? 0) + at),
    )
    const states = client
      .events()
      .flatMap((event) => (event.type === 'deployment' ? [event.deployment.last_action?.state] : []))
    assert.deepEqual(states.slice(0, 3), ['queued', 'running', 'succeeded'])
    client.close()
  }
})

test('An event carries the same row as the list', async () => {
  const client = await connectWebSocket(system.url)
  await octopod.create('row')
  await octopod.waitForStatus('row', 'Running')
  const [listed] = (await octopod.api('GET', '/deployments')).body as object[]
  await client.until('the row as listed', () => {
    const last = client.events().at(-1)
    return last?.type === 'deployment' && last.deployment.status.recorded_status.tag === 'Running'
  })
  const last = client.events().at(-1)
  assert.deepEqual(last?.type === 'deployment' && last.deployment, listed)
  client.close()
})

test('An unpublished change is detected, and clients receive a resync', async () => {
  const client = await connectWebSocket(system.url)
  await withDatabase(system.databaseUrl, (db) =>
    db.query(`update deployments set links = '[{"name":"x","link":"https://x.example.com"}]'`),
  )
  await client.until('a resync', (messages) => messages.some((message) => message.type === 'resync'))
  client.close()
})

test('A stopping server sends bye', async () => {
  const other = await system.startServer()
  const client = await connectWebSocket(other.url)
  await other.stop()
  assert.equal(client.messages.at(-1)?.type, 'bye')
  assert.equal(client.closeCode(), 1012)
})

test('A websocket from another origin, at another path or without a credential is rejected', async () => {
  await assert.rejects(connectWebSocket(system.url, [], { origin: 'https://evil.example.com' }), /403/)
  const closed = await system.startServer({ APP_AUTHORIZATION_HEADER: 'Basic cGFnZTpwYWdl' })
  await assert.rejects(connectWebSocket(closed.url), /401/)
  const credential = `auth.${Buffer.from('Basic cGFnZTpwYWdl').toString('base64url')}`
  const client = await connectWebSocket(closed.url, ['octopod.v2', credential])
  assert.equal(client.socket.protocol, 'octopod.v2')
  client.close()
})

test('A client that does not read is disconnected, and the others stay connected', async () => {
  const slow = await connectWebSocket(system.url)
  const fast = await connectWebSocket(system.url)
  slow.socket.pause()
  const values = Object.fromEntries(Array.from({ length: 9 }, (_, at) => [`big${at}`, 'x'.repeat(90_000)]))
  await octopod.create('big', values)
  await octopod.waitForStatus('big', 'Running')
  for (let round = 0; round < 8; round += 1) {
    await octopod.update('big', { ...values, round: String(round) })
    await octopod.waitForStatus('big', 'Running')
  }
  await fast.until('the last update', () => fast.events().length >= 30)
  slow.socket.resume()
  await slow.until('the slow client is disconnected', () => slow.closeCode() !== null)
  assert.equal(fast.closeCode(), null)
  fast.close()
})
