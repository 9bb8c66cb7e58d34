import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import type { LiveMessage } from '../../domain/event.ts'
import { backoffMs, openLive, type Socket } from '../../web/live.ts'
import { sample } from './samples.ts'

/** A live room over sockets that only say what the test says. */
function hearingRoom(test: TestContext) {
  test.mock.timers.enable({ apis: ['setTimeout', 'setInterval', 'Date'], now: 1_000_000 })
  const sockets: Socket[] = []
  const seen: string[] = []
  const room = { reachable: true }
  const live = openLive({
    connect: () => {
      const socket: Socket = { onmessage: null, onclose: null, close: () => {} }
      sockets.push(socket)
      return socket
    },
    apply: (event) => seen.push(`${event.type} ${event.name}`),
    refresh: async () => {
      seen.push('refresh')
      return room.reachable
    },
    random: () => 1,
  })
  test.after(live.close)
  return {
    live,
    room,
    sockets,
    seen,
    /** What happened since the last call. */
    news: () => seen.splice(0),
    say: async (...messages: LiveMessage[]) => {
      for (const message of messages) {
        sockets.at(-1)?.onmessage?.(new MessageEvent('message', { data: JSON.stringify(message) }))
      }
      await settle()
    },
    cut: () => sockets.at(-1)?.onclose?.(new Event('close') as CloseEvent),
    pass: async (ms: number) => {
      test.mock.timers.tick(ms)
      await settle()
    },
  }
}

const settle = () => new Promise((resolve) => setImmediate(resolve))
const hello: LiveMessage = { type: 'hello', seq: 10, heartbeat_ms: 15_000 }
const heartbeat = (seq: number): LiveMessage => ({ type: 'heartbeat', seq })
const event = (seq: number): LiveMessage => ({
  type: 'event',
  seq,
  event: { type: 'deployment', name: 'shop', revision: seq, deployment: sample({ revision: seq }) },
})

describe('live events', () => {
  it('is live only when it has heard the server and fetched the list', async (t) => {
    const { live, say, news } = hearingRoom(t)
    assert.equal(live.hearing.value, 'connecting')
    await say(hello)
    assert.deepEqual(news(), ['refresh'])
    assert.equal(live.hearing.value, 'live')
  })

  it('applies events in a row without fetching anything', async (t) => {
    const { say, news } = hearingRoom(t)
    await say(hello)
    news()
    await say(event(11), heartbeat(11), event(12))
    assert.deepEqual(news(), ['deployment shop', 'deployment shop'])
  })

  it('fetches the list after a gap, whether an event or a heartbeat shows it', async (t) => {
    const { say, news } = hearingRoom(t)
    await say(hello)
    news()
    await say(event(13))
    assert.deepEqual(news(), ['deployment shop', 'refresh'])
    await say(heartbeat(14))
    assert.deepEqual(news(), ['refresh'])
    await say({ type: 'resync', seq: 15 })
    assert.deepEqual(news(), ['refresh'])
  })

  it('connects again after a cut, says so, and fetches the list', async (t) => {
    const { live, say, cut, pass, sockets, news } = hearingRoom(t)
    await say(hello)
    news()
    cut()
    assert.equal(live.hearing.value, 'reconnecting')
    await pass(500)
    assert.equal(sockets.length, 2)
    await say({ ...hello, seq: 3 })
    assert.equal(live.hearing.value, 'live')
    assert.deepEqual(news(), ['refresh'])
  })

  it('takes silence for a cut', async (t) => {
    const { live, say, pass, sockets } = hearingRoom(t)
    await say(hello)
    await pass(38_000)
    assert.equal(live.hearing.value, 'reconnecting')
    await pass(500)
    assert.equal(sockets.length, 2)
  })

  it('goes elsewhere when the server says bye', async (t) => {
    const { say, pass, sockets } = hearingRoom(t)
    await say(hello, { type: 'bye', seq: 11 })
    await pass(500)
    assert.equal(sockets.length, 2)
  })

  it('calls itself offline after several attempts, and tries at once when asked to', async (t) => {
    const { live, say, cut, pass, sockets } = hearingRoom(t)
    await say(hello)
    for (const waitMs of [500, 1000, 2000, 4000]) {
      cut()
      await pass(waitMs)
    }
    assert.equal(live.hearing.value, 'offline')
    const before = sockets.length
    live.wake()
    assert.equal(sockets.length, before + 1)
  })

  it('says that it hears late while its server does, and fetches the list once more when that is over', async (t) => {
    const { live, say, news } = hearingRoom(t)
    await say({ ...hello, delayed: true })
    assert.equal(live.hearing.value, 'delayed')
    news()
    await say({ type: 'heartbeat', seq: 10 })
    assert.equal(live.hearing.value, 'live')
    assert.deepEqual(news(), ['refresh'])
    await say({ type: 'heartbeat', seq: 10, delayed: true }, { type: 'resync', seq: 11 })
    assert.equal(live.hearing.value, 'delayed')
  })

  it('connects anew for somebody else, however well it hears', async (t) => {
    const { live, say, sockets } = hearingRoom(t)
    await say(hello)
    live.wake()
    assert.equal(sockets.length, 1)
    live.renew()
    assert.equal(sockets.length, 2)
    assert.equal(live.hearing.value, 'reconnecting')
  })

  it('is not live while the list cannot be fetched, and tries again', async (t) => {
    const { live, say, room, pass, sockets } = hearingRoom(t)
    room.reachable = false
    await say(hello)
    assert.notEqual(live.hearing.value, 'live')
    await pass(500)
    assert.equal(sockets.length, 2)
    room.reachable = true
    await say(hello)
    assert.equal(live.hearing.value, 'live')
  })

  it('tells no age of a list that cannot be fetched, however often it is greeted', async (t) => {
    const { live, say, room, pass } = hearingRoom(t)
    room.reachable = false
    await say(hello)
    assert.equal(live.heardAt.value, 0)
    room.reachable = true
    await pass(500)
    await say(hello)
    assert.equal(live.heardAt.value, Date.now())
    const heard = Date.now()
    room.reachable = false
    await pass(1000)
    await say({ type: 'resync', seq: 11 })
    assert.equal(live.heardAt.value, heard)
  })

  it('grows older while its server itself hears late', async (t) => {
    const { live, say, pass } = hearingRoom(t)
    await say(hello)
    await say({ ...heartbeat(10), delayed: true } as LiveMessage)
    const heard = Date.now()
    await pass(5000)
    await say({ ...heartbeat(10), delayed: true } as LiveMessage)
    assert.equal(live.heardAt.value, heard)
  })

  it('fetches the list when asked to try, also where websockets never come through', async (t) => {
    const { live, news } = hearingRoom(t)
    live.wake()
    assert.deepEqual(news(), ['refresh'])
  })

  it('still follows, more slowly, where websockets never come through', async (t) => {
    const { pass, news } = hearingRoom(t)
    await pass(15_000)
    assert.ok(news().includes('refresh'))
  })

  it('waits longer after every failed attempt, half of it by chance, never longer than 20 s', () => {
    assert.deepEqual(
      [0, 1, 2, 9].map((attempt) => backoffMs(attempt, 1)),
      [500, 1000, 2000, 20_000],
    )
    assert.equal(backoffMs(9, 0), 10_000)
  })
})
