/**
 * The protocol of the websocket /event as a state machine without I/O: an input and a state give the next state and the effects that
 * live-connection.ts carries out. The list is fetched again after a gap in the sequence numbers, a new connection or a `resync`; the
 * connection is opened again after silence, `bye` or a close. The server side is functions/live/websocket.ts.
 */
import type { ChangeEvent, LiveMessage } from '../domain/event.ts'
import type { Pause } from '../domain/pauses/pause.ts'

/**
 * connecting: first attempt. live: no events are missing. delayed: the server itself receives events late, or it answers
 * requests but opens no websocket. offline: several attempts failed, and requests too.
 */
export type ConnectionState = 'connecting' | 'live' | 'delayed' | 'reconnecting' | 'offline'

export type LiveState = {
  /** open: there is a websocket, perhaps before its first message. waiting: for the next attempt. suspended: until a `reconnect`. */
  phase: 'open' | 'waiting' | 'suspended' | 'closed'
  connectionState: ConnectionState
  /** Counts the websockets. What belongs to an earlier one is ignored. */
  socket: number
  /** The last sequence number; null before the first message of this websocket. */
  seq: number | null
  /** Failed attempts since the list was last fetched during a connection. */
  attempt: number
  heartbeatMs: number
  isDelayed: boolean
  wasLive: boolean
  /** True while the server says that no runner is connected. */
  isRunnerMissing: boolean
  /** What the server says is paused for all deployments. */
  paused: readonly Pause[]
  /** The last view that the server has named. */
  view: string | null
  /** Why the server opens no websocket although it answers requests. */
  problem: string | null
  /** Time of the last confirmed complete state, by the client's clock in ms; 0: never. */
  lastSyncedAt: number
}

export type LiveInput =
  /** `message`: null when it could not be read. `listView`: the view of the last list; null: not known; undefined: that of the last message. */
  | { type: 'message'; socket: number; message: LiveMessage | null; listView?: string | null | undefined }
  | { type: 'socket_closed'; socket: number; code: number }
  /** The time of the last `connect`, `expect` or `wait` is over. */
  | { type: 'timeout' }
  /** A `refresh` of this websocket has ended. */
  | { type: 'refreshed'; socket: number; succeeded: boolean }
  /** A `probe` has ended. */
  | { type: 'probed'; isReachable: boolean; problem: string | null }
  | { type: 'reconnect' | 'reconnect_if_stale' | 'suspend' | 'close' }

/** `connect`, `expect`, `wait` and `stop` end the time limit before; the first three begin another one. */
export type LiveEffect =
  /** Drop the websocket, and open the one with this number. */
  | { type: 'connect'; socket: number; timeoutMs: number }
  | { type: 'expect'; timeoutMs: number }
  /** Drop the websocket, and wait with a backoff. */
  | { type: 'wait'; attempt: number }
  /** Drop the websocket. */
  | { type: 'stop' }
  | { type: 'apply'; event: ChangeEvent }
  /** Fetch the list. `socket`: the socket that waits for the event `refreshed`; null: none waits. */
  | { type: 'refresh'; socket: number | null }
  /** Find out whether requests succeed, and why no websocket is opened. */
  | { type: 'probe' }
  /** The session has ended, or the right to read. */
  | { type: 'refused' }
  /** The rights of the caller may have changed. */
  | { type: 'rights_changed' }

export type LiveStep = { state: LiveState; effects: LiveEffect[] }

/** The session has ended; there is no right to read any more. */
const refusedCloseCodes = [4401, 4403]
/** Before a server has said its own. */
const firstHeartbeatMs = 15_000
/** The connection counts as silent after this many heartbeat intervals. */
const missedHeartbeats = 2.5
/** What is confirmed counts as fresh for this many heartbeat intervals. */
const freshHeartbeats = 1.5
/** Failed attempts before the state becomes `offline`. */
const attemptsBeforeOffline = 3

/** `connectTimeoutMs`: time limit for the first message. */
export function startLive(connectTimeoutMs: number): LiveStep {
  const state: LiveState = {
    phase: 'waiting',
    connectionState: 'connecting',
    socket: 0,
    seq: null,
    attempt: 0,
    heartbeatMs: firstHeartbeatMs,
    isDelayed: false,
    wasLive: false,
    isRunnerMissing: false,
    paused: [],
    view: null,
    problem: null,
    lastSyncedAt: 0,
  }
  return connect(state, connectTimeoutMs)
}

/** `nowMs`: the client's clock. `connectTimeoutMs`: as in startLive. */
export function stepLive(
  state: LiveState,
  input: LiveInput,
  nowMs: number,
  connectTimeoutMs: number,
): LiveStep {
  const unchanged: LiveStep = { state, effects: [] }
  if (state.phase === 'closed') return unchanged
  const isCurrent = 'socket' in input && state.phase === 'open' && input.socket === state.socket
  switch (input.type) {
    case 'message':
      return isCurrent ? receive(state, input.message, input.listView, nowMs) : unchanged
    case 'socket_closed': {
      if (!isCurrent) return unchanged
      const { state: next, effects } = retry(state)
      const isRefused = refusedCloseCodes.includes(input.code)
      return { state: next, effects: [...effects, ...(isRefused ? [{ type: 'refused' } as const] : [])] }
    }
    case 'timeout':
      if (state.phase === 'open') return retry(state)
      return state.phase === 'waiting' ? connect(state, connectTimeoutMs) : unchanged
    case 'refreshed':
      if (!isCurrent) return unchanged
      return input.succeeded ? { state: synced(state, nowMs), effects: [] } : retry(state)
    case 'probed': {
      // Connected or suspended since then.
      if (state.attempt === 0 || state.phase === 'suspended') return unchanged
      const connectionState = input.isReachable ? 'delayed' : 'offline'
      return { state: { ...state, problem: input.problem, connectionState }, effects: [] }
    }
    case 'reconnect_if_stale': {
      const isFresh = nowMs - state.lastSyncedAt < state.heartbeatMs * freshHeartbeats
      if (state.phase === 'suspended' || (state.connectionState === 'live' && isFresh)) return unchanged
      return reconnect(state, connectTimeoutMs)
    }
    case 'reconnect':
      return reconnect(state, connectTimeoutMs)
    case 'suspend':
      return {
        state: { ...state, phase: 'suspended', seq: null, connectionState: 'connecting' },
        effects: [{ type: 'stop' }],
      }
    case 'close':
      return { state: { ...state, phase: 'closed', seq: null }, effects: [{ type: 'stop' }] }
  }
}

/** The server has greeted the present connection. */
export const isGreeted = ({ phase, seq }: LiveState): boolean => phase === 'open' && seq !== null

function receive(
  state: LiveState,
  message: LiveMessage | null,
  listView: string | null | undefined,
  nowMs: number,
): LiveStep {
  // Another program, or an unknown version of Octopod.
  if (typeof message?.seq !== 'number' || message.type === 'bye') return retry(state)
  const saysState = message.type === 'hello' || message.type === 'heartbeat'
  const next: LiveState = {
    ...state,
    seq: message.seq,
    ...(message.type === 'hello' && { heartbeatMs: message.heartbeat_ms }),
    ...(saysState && {
      isDelayed: message.delayed ?? false,
      isRunnerMissing: message.no_runner ?? false,
      paused: message.paused ?? [],
    }),
    ...('view' in message && { view: message.view ?? null }),
  }
  const expectedSeq = message.type === 'heartbeat' ? state.seq : (state.seq ?? 0) + 1
  const hasGap = state.seq === null || message.seq !== expectedSeq
  // A heartbeat comes so rarely that a list which stays different makes no loop.
  const isOtherView =
    message.type === 'heartbeat' && differs(message.view, listView === undefined ? state.view : listView)
  const mayHaveOtherRights =
    isOtherView || message.type === 'resync' || (message.type === 'hello' && state.wasLive)
  const needsList =
    hasGap ||
    isOtherView ||
    next.isDelayed !== state.isDelayed ||
    message.type === 'hello' ||
    message.type === 'resync'

  const effects: LiveEffect[] = [{ type: 'expect', timeoutMs: next.heartbeatMs * missedHeartbeats }]
  if (message.type === 'event') effects.push({ type: 'apply', event: message.event })
  if (mayHaveOtherRights) effects.push({ type: 'rights_changed' })
  if (needsList) effects.push({ type: 'refresh', socket: state.socket })
  const isConfirmed = !needsList && next.connectionState === 'live'
  return { state: isConfirmed ? { ...next, lastSyncedAt: nowMs } : next, effects }
}

/** False while one of them is not known, as with an older server. */
const differs = (view: string | undefined, listView: string | null) =>
  view !== undefined && listView !== null && view !== listView

/** The state is live only after the list was fetched during this connection. */
const synced = (state: LiveState, nowMs: number): LiveState => ({
  ...state,
  attempt: 0,
  problem: null,
  lastSyncedAt: nowMs,
  connectionState: state.isDelayed ? 'delayed' : 'live',
  wasLive: true,
})

function connect(state: LiveState, timeoutMs: number): LiveStep {
  const socket = state.socket + 1
  return {
    state: { ...state, phase: 'open', socket, seq: null },
    effects: [{ type: 'connect', socket, timeoutMs }],
  }
}

function retry(state: LiveState): LiveStep {
  const { attempt } = state
  const isProbed = attempt >= attemptsBeforeOffline
  const keepsState = isProbed || state.connectionState === 'connecting'
  return {
    state: {
      ...state,
      phase: 'waiting',
      seq: null,
      attempt: attempt + 1,
      connectionState: keepsState ? state.connectionState : 'reconnecting',
    },
    effects: [{ type: 'wait', attempt }, ...(isProbed ? [{ type: 'probe' } as const] : [])],
  }
}

function reconnect(state: LiveState, connectTimeoutMs: number): LiveStep {
  const connectionState = state.connectionState === 'live' ? 'reconnecting' : state.connectionState
  const { state: next, effects } = connect({ ...state, connectionState }, connectTimeoutMs)
  // Only websockets may be blocked; HTTP requests can still succeed.
  return { state: next, effects: [...effects, { type: 'refresh', socket: null }] }
}
