/** The websocket of octo: it reconnects after every break, requests a refetch, and works through proxies. */
import assert from 'node:assert/strict'
import { createServer, type IncomingMessage } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { type TestContext, test } from 'node:test'
import { WebSocketServer } from 'ws'
import { createApiClient } from '../../../octo/api/client.ts'
import { readConnection } from '../../../octo/api/connection.ts'
import { type LiveEvent, openLiveConnection } from '../../../octo/api/live-connection.ts'
import { waitFor } from '../../helpers/wait-for.ts'
import { fullInfo } from '../wire-fixtures.ts'

/** Sends each connection its messages, then closes it unless they end with `stay`. A number is the code of the close. */
async function startWebSocketServer(t: TestContext, connections: (object | string | number)[][]) {
  const requests: IncomingMessage[] = []
  const http = createServer()
  const sockets = new WebSocketServer({ server: http })
  sockets.on('connection', (socket, request) => {
    requests.push(request)
    const messages = connections.shift() ?? ['stay']
    for (const message of messages) {
      if (typeof message === 'number') socket.close(message)
      else if (message !== 'stay')
        socket.send(typeof message === 'string' ? message : JSON.stringify(message))
    }
    const last = messages.at(-1)
    if (last !== 'stay' && typeof last !== 'number') socket.terminate()
  })
  http.listen(0, '127.0.0.1')
  await new Promise((resolve) => http.once('listening', resolve))
  t.after(() => {
    for (const socket of sockets.clients) socket.terminate()
    http.close()
  })
  return { url: `http://127.0.0.1:${(http.address() as AddressInfo).port}`, requests }
}

function collectEvents(t: TestContext, environment: Record<string, string>, helloMs = 5000) {
  const client = createApiClient(readConnection({ OCTO_AUTHORIZATION_HEADER: 'Bearer x', ...environment }))
  const events: LiveEvent[] = []
  const live = openLiveConnection(client, {
    onEvent: (one) => events.push(one),
    initialBackoffMs: 5,
    helloTimeoutMs: helloMs,
  })
  t.after(async () => {
    live.close()
    await client.close()
  })
  const types = (count: number) =>
    waitFor(`${count} heard`, async () => ({
      done: events.length >= count,
      value: events.map(({ type }) => type),
      seen: events,
    }))
  return { types, live }
}

const hello = { type: 'hello', seq: 4, heartbeat_ms: 60_000 }
const event = (seq: number) => ({
  type: 'event',
  seq,
  event: { type: 'deployment', name: 'x1', revision: 12, deployment: fullInfo('x1') },
})

test('A greeting, a gap, a resync and a new connection each cause a refetch', async (t) => {
  const { url, requests } = await startWebSocketServer(t, [
    [hello, event(5), event(7), { type: 'resync', seq: 8 }, { type: 'heartbeat', seq: 8 }],
    [{ type: 'bye', seq: 1 }, 'stay'],
    ['garbage', 'stay'],
    [hello, 'stay'],
  ])
  const { types: waitForTypes, live } = collectEvents(t, { OCTOPOD_URL: `${url}/below` })
  assert.deepEqual(await waitForTypes(6), [
    'refresh',
    'deployment',
    'deployment',
    'refresh',
    'refresh',
    'refresh',
  ])
  assert.ok(live.isLive())
  assert.deepEqual([requests[0]?.url, requests[0]?.headers.authorization], ['/below/event', 'Bearer x'])
  assert.equal(requests.length, 4)
})

test('A close because the session or the right has ended causes a refetch at once, another close does not', async (t) => {
  const { url, requests } = await startWebSocketServer(t, [
    [hello, 1012],
    [hello, 4401],
    [hello, 4403],
    [hello, 'stay'],
  ])
  const { types: waitForTypes } = collectEvents(t, { OCTOPOD_URL: url })
  assert.deepEqual(await waitForTypes(6), Array(6).fill('refresh'))
  assert.equal(requests.length, 4)
})

test('Another view in a heartbeat causes a refetch', async (t) => {
  const heartbeat = (view: string) => ({ type: 'heartbeat', seq: 4, view })
  const { url } = await startWebSocketServer(t, [
    [{ ...hello, view: 'a' }, heartbeat('a'), heartbeat('b'), heartbeat('b'), event(5), 'stay'],
  ])
  const { types: waitForTypes } = collectEvents(t, { OCTOPOD_URL: url })
  assert.deepEqual(await waitForTypes(3), ['refresh', 'refresh', 'deployment'])
})

test('A silent server is dropped for a new connection', async (t) => {
  const { url, requests } = await startWebSocketServer(t, [['stay'], [hello, 'stay']])
  const { types: waitForTypes } = collectEvents(t, { OCTOPOD_URL: url }, 1000)
  assert.deepEqual(await waitForTypes(1), ['refresh'])
  assert.equal(requests.length, 2)
})

test('The websocket works through a proxy', async (t) => {
  const { url } = await startWebSocketServer(t, [[hello, 'stay']])
  const proxiedRequests: string[] = []
  const proxy = createServer()
  proxy.on('connect', (request, socket) => {
    proxiedRequests.push(request.url ?? '')
    const upstream = connect(Number(request.url?.split(':')[1]), '127.0.0.1')
    socket.write('HTTP/1.1 200 OK\r\n\r\n')
    socket.pipe(upstream).pipe(socket)
    socket.on('error', () => upstream.destroy())
    upstream.on('error', () => socket.destroy())
  })
  proxy.listen(0, '127.0.0.1')
  await new Promise((resolve) => proxy.once('listening', resolve))
  t.after(() => proxy.close())
  const proxyUrl = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`
  const { types: waitForTypes } = collectEvents(t, { OCTOPOD_URL: url, HTTP_PROXY: proxyUrl })
  assert.deepEqual(await waitForTypes(1), ['refresh'])
  assert.deepEqual(proxiedRequests, [url.slice(7)])
})
