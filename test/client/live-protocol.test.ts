/** Random inputs to the live protocol, against a model of the server, the network and what the client knows. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { openLive, type Socket } from '../../client/live-connection.ts'
import {
  isGreeted,
  type LiveEffect,
  type LiveInput,
  type LiveStep,
  startLive,
  stepLive,
} from '../../client/live-protocol.ts'
import type { LiveMessage } from '../../domain/event.ts'

const connectTimeoutMs = 10_000
const heartbeatMs = 15_000

type ServerMessage = 'hello' | 'event' | 'lost event' | 'heartbeat' | 'resync' | 'bye' | 'garbage'
type Command =
  | { do: 'send'; message: ServerMessage; isDelayed: boolean; view: string }
  | { do: 'close socket'; code: number }
  | { do: 'end refresh' | 'end probe'; succeeded: boolean }
  | { do: 'input of an earlier socket'; type: 'message' | 'socket_closed' | 'refreshed' }
  | { do: 'timeout' | 'reconnect' | 'reconnect_if_stale' | 'suspend' | 'close' }
  | { do: 'wait'; ms: number }

const command: fc.Arbitrary<Command> = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.record({
      do: fc.constant('send' as const),
      message: fc.constantFrom<ServerMessage>(
        'hello',
        'event',
        'event',
        'lost event',
        'heartbeat',
        'resync',
        'bye',
        'garbage',
      ),
      isDelayed: fc.boolean(),
      view: fc.constantFrom('a', 'b'),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({ do: fc.constantFrom('end refresh', 'end probe'), succeeded: fc.boolean() }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('close socket' as const),
      code: fc.constantFrom(1006, 1012, 4401, 4403),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('input of an earlier socket' as const),
      type: fc.constantFrom('message', 'socket_closed', 'refreshed'),
    }),
  },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('timeout' as const) }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constantFrom('reconnect', 'reconnect_if_stale', 'suspend') }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('wait' as const), ms: fc.integer({ min: 1, max: 60_000 }) }),
  },
)

/** Carries out the effects as live-connection.ts does, without waiting. */
function createWorld() {
  let { state, effects }: LiveStep = startLive(connectTimeoutMs)
  let nowMs = 1
  /** The number of the open websocket, and whether a time limit runs. */
  let socket: number | null = null
  let hasTimer = false
  let seq = 0
  /** The changes at the server, numbered from 1. */
  let changes = 0
  const known = new Set<number>()
  let refreshes: { socket: number | null; changes: number }[] = []
  let probes = 0
  let refusals = 0

  const carryOut = (effect: LiveEffect) => {
    if (effect.type === 'connect') socket = effect.socket
    if (effect.type === 'wait' || effect.type === 'stop') socket = null
    if (effect.type === 'connect' || effect.type === 'expect' || effect.type === 'wait') hasTimer = true
    if (effect.type === 'stop') hasTimer = false
    if (effect.type === 'apply') known.add(effect.event.revision)
    if (effect.type === 'refresh') refreshes.push({ socket: effect.socket, changes })
    if (effect.type === 'probe') probes += 1
    if (effect.type === 'refused') refusals += 1
  }
  const send = (input: LiveInput) => {
    const before = state
    ;({ state, effects } = stepLive(state, input, nowMs, connectTimeoutMs))
    for (const effect of effects) carryOut(effect)
    if (before.phase === 'closed') assert.deepEqual([state, effects], [before, []])
    if (before.phase === 'suspended' && input.type !== 'reconnect' && input.type !== 'suspend')
      assert.deepEqual(
        effects.filter(({ type }) => type !== 'stop'),
        [],
      )
    if (state.phase !== 'closed') check()
  }
  const check = () => {
    assert.equal(socket, state.phase === 'open' ? state.socket : null)
    assert.equal(hasTimer, state.phase === 'open' || state.phase === 'waiting')
    if (state.connectionState === 'live') assert.ok(isGreeted(state) && state.lastSyncedAt > 0)
    if (state.connectionState === 'offline') assert.ok(state.attempt > 3)
  }
  /** What the client of a greeted connection does not know is about to be fetched. */
  const checkKnowledge = () => {
    const pending = Math.max(0, ...refreshes.map((refresh) => refresh.changes))
    for (let change = pending + 1; change <= changes; change += 1)
      assert.ok(!isGreeted(state) || known.has(change), `change ${change} is missed`)
  }

  const messageOf = (kind: ServerMessage, fields: { view: string; delayed?: true }): LiveMessage | null => {
    if (kind === 'garbage') return null
    if (kind === 'hello') return { type: 'hello', seq, heartbeat_ms: heartbeatMs, ...fields }
    if (kind === 'heartbeat') return { type: 'heartbeat', seq, ...fields }
    seq += 1
    if (kind === 'bye') return { type: 'bye', seq }
    if (kind === 'resync') return { type: 'resync', seq, view: fields.view }
    changes += 1
    return { type: 'event', seq, event: { type: 'deleted', name: 'shop', revision: changes } }
  }
  const serve = (kind: ServerMessage, isDelayed = false, view = 'a') => {
    if (socket === null) return
    const message = messageOf(kind, { view, ...(isDelayed && { delayed: true as const }) })
    if (kind === 'lost event') return
    send({ type: 'message', socket, message })
    checkKnowledge()
  }
  const endRefresh = (succeeded: boolean) => {
    const [refresh, ...later] = refreshes
    if (refresh === undefined) return
    refreshes = later
    if (succeeded) for (let change = 1; change <= refresh.changes; change += 1) known.add(change)
    if (refresh.socket !== null) send({ type: 'refreshed', socket: refresh.socket, succeeded })
  }

  const run = (next: Command) => {
    if (next.do === 'send') serve(next.message, next.isDelayed, next.view)
    else if (next.do === 'close socket') {
      if (socket !== null) send({ type: 'socket_closed', socket, code: next.code })
    } else if (next.do === 'end refresh') endRefresh(next.succeeded)
    else if (next.do === 'end probe') {
      if (probes === 0) return
      probes -= 1
      send({ type: 'probed', isReachable: next.succeeded, problem: next.succeeded ? 'blocked' : null })
    } else if (next.do === 'input of an earlier socket') {
      const before = state
      const earlier = state.socket - 1
      if (next.type === 'message') send({ type: 'message', socket: earlier, message: null })
      else if (next.type === 'socket_closed') send({ type: 'socket_closed', socket: earlier, code: 4401 })
      else send({ type: 'refreshed', socket: earlier, succeeded: false })
      assert.deepEqual([state, effects], [before, []])
    } else if (next.do === 'timeout') {
      if (hasTimer) send({ type: 'timeout' })
    } else if (next.do === 'wait') nowMs += next.ms
    else send({ type: next.do })
  }

  /** The network and the server work from now on. */
  const recover = () => {
    if (state.phase === 'suspended') send({ type: 'reconnect' })
    for (let round = 0; round < 3 && state.connectionState !== 'live'; round += 1) {
      if (state.phase === 'waiting') send({ type: 'timeout' })
      serve(isGreeted(state) ? 'heartbeat' : 'hello')
      while (refreshes.length > 0) endRefresh(true)
    }
    serve('heartbeat')
    while (refreshes.length > 0) endRefresh(true)
  }

  for (const effect of effects) carryOut(effect)
  return {
    run,
    recover,
    serve,
    endRefresh,
    send,
    state: () => state,
    refusals: () => refusals,
    unknown: () => changes - known.size,
  }
}

describe('the live protocol', () => {
  it('No order of messages, losses, closes, time limits and commands breaks it, and it recovers', () => {
    fc.assert(
      fc.property(fc.array(command, { maxLength: 60 }), (commands) => {
        const world = createWorld()
        for (const next of commands) world.run(next)
        world.recover()
        assert.equal(world.state().connectionState, 'live')
        assert.equal(world.state().attempt, 0)
        assert.equal(world.unknown(), 0)
        world.run({ do: 'close' })
        for (const next of commands) world.run(next)
        assert.equal(world.state().phase, 'closed')
      }),
      { numRuns: 2000 },
    )
  })

  it('A close with 4401 or 4403 is a refusal, and every close is followed by another attempt', () => {
    for (const [code, refusals] of [
      [1006, 0],
      [1012, 0],
      [4401, 1],
      [4403, 1],
    ] as const) {
      const world = createWorld()
      world.serve('hello')
      world.run({ do: 'close socket', code })
      assert.deepEqual([world.refusals(), world.state().phase], [refusals, 'waiting'])
    }
  })

  it('Without the view of the list, the list has the view of the last message', () => {
    const world = createWorld()
    const serve = (view: string) => {
      world.serve('heartbeat', false, view)
      const { state, effects } = stepLive(
        world.state(),
        { type: 'message', socket: 1, message: { type: 'heartbeat', seq: 0, view: 'b' } },
        1,
        connectTimeoutMs,
      )
      return { view: state.view, types: effects.map(({ type }) => type) }
    }
    world.serve('hello')
    world.endRefresh(true)
    assert.deepEqual(serve('a'), { view: 'b', types: ['expect', 'rights_changed', 'refresh'] })
    assert.deepEqual(serve('b'), { view: 'b', types: ['expect'] })
  })

  it('A wait for the outcome of a probe does not end a suspension', () => {
    const world = createWorld()
    for (let attempt = 0; attempt < 4; attempt += 1) {
      world.run({ do: 'close socket', code: 1006 })
      world.run({ do: 'timeout' })
    }
    world.run({ do: 'suspend' })
    world.run({ do: 'end probe', succeeded: false })
    assert.equal(world.state().connectionState, 'connecting')
  })
})

describe('a connection that carries out the effects', () => {
  it('An effect that sends an input, and text that is no message, leave one websocket', (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] })
    const sockets: Socket[] = []
    let closed = 0
    const client = openLive({
      connect: () => {
        const socket: Socket = {
          onmessage: null,
          onclose: null,
          close: () => {
            closed += 1
          },
        }
        sockets.push(socket)
        return socket
      },
      apply: () => {},
      refresh: () => true,
      onRefused: () => client.send({ type: 'suspend' }),
      random: () => 1,
    })
    sockets.at(-1)?.onmessage?.({ data: '<html>' })
    t.mock.timers.tick(500)
    assert.deepEqual([sockets.length, closed], [2, 1])
    sockets.at(-1)?.onclose?.({ code: 4403 })
    t.mock.timers.tick(60_000)
    assert.deepEqual([sockets.length, closed, client.state().phase], [2, 2, 'suspended'])
    client.send({ type: 'close' })
  })
})
