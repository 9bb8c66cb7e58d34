import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import type { LiveMessage } from '../../../domain/event.ts'
import { openLiveConnection, type Socket } from '../../../web/live/live-connection.ts'
import { sampleDeployment } from '../../helpers/browser/sample-deployment.ts'

/** A connection over fake sockets that the test controls. */
function openTestConnection(test: TestContext) {
  test.mock.timers.enable({ apis: ['setTimeout', 'setInterval', 'Date'], now: 1_000_000 })
  const sockets: Socket[] = []
  const calls: string[] = []
  const server: { reachable: boolean; view: string | null } = { reachable: true, view: null }
  const connection = openLiveConnection({
    connect: () => {
      const socket: Socket = { onmessage: null, onclose: null, close: () => {} }
      sockets.push(socket)
      return socket
    },
    apply: (event) => calls.push(`${event.type} ${event.name}`),
    refresh: async () => {
      calls.push('refresh')
      return server.reachable
    },
    listView: () => server.view,
    onRefused: () => calls.push('refused'),
    onRightsChanged: () => calls.push('rights'),
    explainFailure: async () => 'no header Upgrade',
    random: () => 1,
  })
  test.after(connection.close)
  return {
    live: connection,
    server,
    sockets,
    seen: calls,
    /** The calls since the last call of this function. */
    callsSinceLast: () => calls.splice(0),
    receive: async (...messages: LiveMessage[]) => {
      for (const message of messages) {
        sockets.at(-1)?.onmessage?.(new MessageEvent('message', { data: JSON.stringify(message) }))
      }
      await flushPromises()
    },
    dropConnection: (code = 1006) =>
      sockets.at(-1)?.onclose?.(Object.assign(new Event('close'), { code }) as CloseEvent),
    advanceTime: async (ms: number) => {
      test.mock.timers.tick(ms)
      await flushPromises()
    },
  }
}

const flushPromises = () => new Promise((resolve) => setImmediate(resolve))
const hello: LiveMessage = { type: 'hello', seq: 10, heartbeat_ms: 15_000 }
const heartbeat = (seq: number): LiveMessage => ({ type: 'heartbeat', seq })
const event = (seq: number): LiveMessage => ({
  type: 'event',
  seq,
  event: { type: 'deployment', name: 'shop', revision: seq, deployment: sampleDeployment({ revision: seq }) },
})

describe('the live connection', () => {
  it('The state is live after the hello message and a fetched list', async (t) => {
    const { live, receive, callsSinceLast } = openTestConnection(t)
    assert.equal(live.connectionState.value, 'connecting')
    await receive(hello)
    assert.deepEqual(callsSinceLast(), ['refresh'])
    assert.equal(live.connectionState.value, 'live')
  })

  it('Consecutive events are applied without a fetch', async (t) => {
    const { receive, callsSinceLast } = openTestConnection(t)
    await receive(hello)
    callsSinceLast()
    await receive(event(11), heartbeat(11), event(12))
    assert.deepEqual(callsSinceLast(), ['deployment shop', 'deployment shop'])
  })

  it('A gap in events or heartbeats triggers a fetch', async (t) => {
    const { receive, callsSinceLast } = openTestConnection(t)
    await receive(hello)
    callsSinceLast()
    await receive(event(13))
    assert.deepEqual(callsSinceLast(), ['deployment shop', 'refresh'])
    await receive(heartbeat(14))
    assert.deepEqual(callsSinceLast(), ['refresh'])
    await receive({ type: 'resync', seq: 15 })
    assert.deepEqual(callsSinceLast(), ['rights', 'refresh'])
  })

  it('A closed connection is shown and reopened, and the list is fetched', async (t) => {
    const { live, receive, dropConnection, advanceTime, sockets, callsSinceLast } = openTestConnection(t)
    await receive(hello)
    callsSinceLast()
    dropConnection()
    assert.equal(live.connectionState.value, 'reconnecting')
    await advanceTime(500)
    assert.equal(sockets.length, 2)
    await receive({ ...hello, seq: 3 })
    assert.equal(live.connectionState.value, 'live')
    assert.deepEqual(callsSinceLast(), ['rights', 'refresh'])
  })

  it('Each heartbeat of another view than that of the list triggers one fetch', async (t) => {
    const { server, receive, callsSinceLast } = openTestConnection(t)
    server.view = 'a'
    await receive({ ...hello, view: 'a' })
    callsSinceLast()
    await receive({ type: 'heartbeat', seq: 10, view: 'a' })
    assert.deepEqual(callsSinceLast(), [])
    await receive({ type: 'heartbeat', seq: 10, view: 'b' })
    assert.deepEqual(callsSinceLast(), ['rights', 'refresh'])
    await receive({ type: 'heartbeat', seq: 10, view: 'b' })
    assert.deepEqual(callsSinceLast(), ['rights', 'refresh'])
    server.view = 'b'
    await receive({ type: 'heartbeat', seq: 10, view: 'b' })
    assert.deepEqual(callsSinceLast(), [])
  })

  it('A resync moves the sequence, and asks for the rights again', async (t) => {
    const { receive, callsSinceLast } = openTestConnection(t)
    await receive(hello)
    callsSinceLast()
    // The client has moved to a channel that counts differently.
    await receive({ type: 'resync', seq: 3, view: 'b' })
    assert.deepEqual(callsSinceLast(), ['rights', 'refresh'])
    await receive(event(4), { type: 'heartbeat', seq: 4 })
    assert.deepEqual(callsSinceLast(), ['deployment shop'])
  })

  it('A close because the session or the right has ended is reported, another one is not', async (t) => {
    const { receive, dropConnection, callsSinceLast, advanceTime } = openTestConnection(t)
    for (const code of [4401, 4403, 1012]) {
      await receive(hello)
      callsSinceLast()
      dropConnection(code)
      assert.deepEqual(callsSinceLast(), code === 1012 ? [] : ['refused'])
      await advanceTime(1000)
    }
  })

  it('While it is suspended it neither connects nor polls', async (t) => {
    const { live, receive, sockets, callsSinceLast, advanceTime } = openTestConnection(t)
    await receive(hello)
    live.suspend()
    callsSinceLast()
    await advanceTime(60_000)
    live.reconnectIfStale()
    assert.deepEqual([sockets.length, callsSinceLast()], [1, []])
    live.reconnect()
    assert.deepEqual([sockets.length, callsSinceLast()], [2, ['refresh']])
  })

  it('Silence counts as a lost connection', async (t) => {
    const { live, receive, advanceTime, sockets } = openTestConnection(t)
    await receive(hello)
    await advanceTime(38_000)
    assert.equal(live.connectionState.value, 'reconnecting')
    await advanceTime(500)
    assert.equal(sockets.length, 2)
  })

  it('A bye message triggers a reconnect', async (t) => {
    const { receive, advanceTime, sockets } = openTestConnection(t)
    await receive(hello, { type: 'bye', seq: 11 })
    await advanceTime(500)
    assert.equal(sockets.length, 2)
  })

  it('The state is offline after several failed attempts, and a request to reconnect works at once', async (t) => {
    const { live, server, receive, dropConnection, advanceTime, sockets } = openTestConnection(t)
    await receive(hello)
    server.reachable = false
    for (const waitMs of [500, 1000, 2000, 4000]) {
      dropConnection()
      await advanceTime(waitMs)
    }
    assert.equal(live.connectionState.value, 'offline')
    const before = sockets.length
    live.reconnectIfStale()
    assert.equal(sockets.length, before + 1)
  })

  it('The state is delayed, with the reason, where requests succeed and no websocket can be opened', async (t) => {
    const { live, receive, dropConnection, advanceTime } = openTestConnection(t)
    for (const waitMs of [500, 1000, 2000, 4000]) {
      dropConnection()
      await advanceTime(waitMs)
    }
    assert.equal(live.connectionState.value, 'delayed')
    assert.equal(live.websocketProblem.value, 'no header Upgrade')
    await receive(hello)
    assert.equal(live.connectionState.value, 'live')
    assert.equal(live.websocketProblem.value, null)
  })

  it('The state is delayed while the server is, and the list is fetched once more afterwards', async (t) => {
    const { live, receive, callsSinceLast } = openTestConnection(t)
    await receive({ ...hello, delayed: true })
    assert.equal(live.connectionState.value, 'delayed')
    callsSinceLast()
    await receive({ type: 'heartbeat', seq: 10 })
    assert.equal(live.connectionState.value, 'live')
    assert.deepEqual(callsSinceLast(), ['refresh'])
    await receive({ type: 'heartbeat', seq: 10, delayed: true }, { type: 'resync', seq: 11 })
    assert.equal(live.connectionState.value, 'delayed')
  })

  it('`reconnect` opens a new connection even when live', async (t) => {
    const { live, receive, sockets } = openTestConnection(t)
    await receive(hello)
    live.reconnectIfStale()
    assert.equal(sockets.length, 1)
    live.reconnect()
    assert.equal(sockets.length, 2)
    assert.equal(live.connectionState.value, 'reconnecting')
  })

  it('The state is not live while the list cannot be fetched, and the fetch is repeated', async (t) => {
    const { live, receive, server, advanceTime, sockets } = openTestConnection(t)
    server.reachable = false
    await receive(hello)
    assert.notEqual(live.connectionState.value, 'live')
    await advanceTime(500)
    assert.equal(sockets.length, 2)
    server.reachable = true
    await receive(hello)
    assert.equal(live.connectionState.value, 'live')
  })

  it('The sync time does not advance while the list cannot be fetched', async (t) => {
    const { live, receive, server, advanceTime } = openTestConnection(t)
    server.reachable = false
    await receive(hello)
    assert.equal(live.lastSyncedAt.value, 0)
    server.reachable = true
    await advanceTime(500)
    await receive(hello)
    assert.equal(live.lastSyncedAt.value, Date.now())
    const syncedAt = Date.now()
    server.reachable = false
    await advanceTime(1000)
    await receive({ type: 'resync', seq: 11 })
    assert.equal(live.lastSyncedAt.value, syncedAt)
  })

  it('The sync time does not advance while the server is delayed', async (t) => {
    const { live, receive, advanceTime } = openTestConnection(t)
    await receive(hello)
    await receive({ ...heartbeat(10), delayed: true } as LiveMessage)
    const syncedAt = Date.now()
    await advanceTime(5000)
    await receive({ ...heartbeat(10), delayed: true } as LiveMessage)
    assert.equal(live.lastSyncedAt.value, syncedAt)
  })

  it('A request to reconnect fetches the list, even where websockets are blocked', async (t) => {
    const { live, callsSinceLast } = openTestConnection(t)
    live.reconnectIfStale()
    assert.deepEqual(callsSinceLast(), ['refresh'])
  })

  it('The page polls where websockets are blocked', async (t) => {
    const { advanceTime, callsSinceLast } = openTestConnection(t)
    await advanceTime(15_000)
    assert.ok(callsSinceLast().includes('refresh'))
  })
})
