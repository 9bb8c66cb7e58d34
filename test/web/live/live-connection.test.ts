import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import type { LiveMessage } from '../../../domain/event.ts'
import { openLiveConnection, type Socket } from '../../../web/live/live-connection.ts'
import { sampleDeployment } from '../../helpers/browser/sample-deployment.ts'

/** A live room over sockets that only say what the test says. */
function openTestConnection(test: TestContext) {
  test.mock.timers.enable({ apis: ['setTimeout', 'setInterval', 'Date'], now: 1_000_000 })
  const sockets: Socket[] = []
  const calls: string[] = []
  const server = { reachable: true }
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
    random: () => 1,
  })
  test.after(connection.close)
  return {
    live: connection,
    room: server,
    sockets,
    seen: calls,
    /** What happened since the last call. */
    callsSinceLast: () => calls.splice(0),
    receive: async (...messages: LiveMessage[]) => {
      for (const message of messages) {
        sockets.at(-1)?.onmessage?.(new MessageEvent('message', { data: JSON.stringify(message) }))
      }
      await flushPromises()
    },
    dropConnection: () => sockets.at(-1)?.onclose?.(new Event('close') as CloseEvent),
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

describe('live events', () => {
  it('is live only when it has heard the server and fetched the list', async (t) => {
    const { live, receive, callsSinceLast } = openTestConnection(t)
    assert.equal(live.connectionState.value, 'connecting')
    await receive(hello)
    assert.deepEqual(callsSinceLast(), ['refresh'])
    assert.equal(live.connectionState.value, 'live')
  })

  it('applies events in a row without fetching anything', async (t) => {
    const { receive, callsSinceLast } = openTestConnection(t)
    await receive(hello)
    callsSinceLast()
    await receive(event(11), heartbeat(11), event(12))
    assert.deepEqual(callsSinceLast(), ['deployment shop', 'deployment shop'])
  })

  it('fetches the list after a gap, whether an event or a heartbeat shows it', async (t) => {
    const { receive, callsSinceLast } = openTestConnection(t)
    await receive(hello)
    callsSinceLast()
    await receive(event(13))
    assert.deepEqual(callsSinceLast(), ['deployment shop', 'refresh'])
    await receive(heartbeat(14))
    assert.deepEqual(callsSinceLast(), ['refresh'])
    await receive({ type: 'resync', seq: 15 })
    assert.deepEqual(callsSinceLast(), ['refresh'])
  })

  it('connects again after a cut, says so, and fetches the list', async (t) => {
    const { live, receive, dropConnection, advanceTime, sockets, callsSinceLast } = openTestConnection(t)
    await receive(hello)
    callsSinceLast()
    dropConnection()
    assert.equal(live.connectionState.value, 'reconnecting')
    await advanceTime(500)
    assert.equal(sockets.length, 2)
    await receive({ ...hello, seq: 3 })
    assert.equal(live.connectionState.value, 'live')
    assert.deepEqual(callsSinceLast(), ['refresh'])
  })

  it('takes silence for a cut', async (t) => {
    const { live, receive, advanceTime, sockets } = openTestConnection(t)
    await receive(hello)
    await advanceTime(38_000)
    assert.equal(live.connectionState.value, 'reconnecting')
    await advanceTime(500)
    assert.equal(sockets.length, 2)
  })

  it('goes elsewhere when the server says bye', async (t) => {
    const { receive, advanceTime, sockets } = openTestConnection(t)
    await receive(hello, { type: 'bye', seq: 11 })
    await advanceTime(500)
    assert.equal(sockets.length, 2)
  })

  it('calls itself offline after several attempts, and tries at once when asked to', async (t) => {
    const { live, receive, dropConnection, advanceTime, sockets } = openTestConnection(t)
    await receive(hello)
    for (const waitMs of [500, 1000, 2000, 4000]) {
      dropConnection()
      await advanceTime(waitMs)
    }
    assert.equal(live.connectionState.value, 'offline')
    const before = sockets.length
    live.reconnectIfStale()
    assert.equal(sockets.length, before + 1)
  })

  it('says that it hears late while its server does, and fetches the list once more when that is over', async (t) => {
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

  it('connects anew for somebody else, however well it hears', async (t) => {
    const { live, receive, sockets } = openTestConnection(t)
    await receive(hello)
    live.reconnectIfStale()
    assert.equal(sockets.length, 1)
    live.reconnect()
    assert.equal(sockets.length, 2)
    assert.equal(live.connectionState.value, 'reconnecting')
  })

  it('is not live while the list cannot be fetched, and tries again', async (t) => {
    const { live, receive, room, advanceTime, sockets } = openTestConnection(t)
    room.reachable = false
    await receive(hello)
    assert.notEqual(live.connectionState.value, 'live')
    await advanceTime(500)
    assert.equal(sockets.length, 2)
    room.reachable = true
    await receive(hello)
    assert.equal(live.connectionState.value, 'live')
  })

  it('tells no age of a list that cannot be fetched, however often it is greeted', async (t) => {
    const { live, receive, room, advanceTime } = openTestConnection(t)
    room.reachable = false
    await receive(hello)
    assert.equal(live.lastSyncedAt.value, 0)
    room.reachable = true
    await advanceTime(500)
    await receive(hello)
    assert.equal(live.lastSyncedAt.value, Date.now())
    const heard = Date.now()
    room.reachable = false
    await advanceTime(1000)
    await receive({ type: 'resync', seq: 11 })
    assert.equal(live.lastSyncedAt.value, heard)
  })

  it('grows older while its server itself hears late', async (t) => {
    const { live, receive, advanceTime } = openTestConnection(t)
    await receive(hello)
    await receive({ ...heartbeat(10), delayed: true } as LiveMessage)
    const heard = Date.now()
    await advanceTime(5000)
    await receive({ ...heartbeat(10), delayed: true } as LiveMessage)
    assert.equal(live.lastSyncedAt.value, heard)
  })

  it('fetches the list when asked to try, also where websockets never come through', async (t) => {
    const { live, callsSinceLast } = openTestConnection(t)
    live.reconnectIfStale()
    assert.deepEqual(callsSinceLast(), ['refresh'])
  })

  it('still follows, more slowly, where websockets never come through', async (t) => {
    const { advanceTime, callsSinceLast } = openTestConnection(t)
    await advanceTime(15_000)
    assert.ok(callsSinceLast().includes('refresh'))
  })
})
