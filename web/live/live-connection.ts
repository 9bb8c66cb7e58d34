/**
 * The websocket connection to /event: applies change events and reports its own state. The list is fetched
 * again after a gap in the sequence numbers, a new connection or a `resync` message; the connection is
 * reopened after silence, sleep or a close. The server side is functions/live/websocket.ts.
 */
import { type ReadonlySignal, signal } from '@preact/signals'
import type { ChangeEvent, LiveMessage } from '../../domain/event.ts'
import { backoffMs } from '../../lib/backoff.ts'

/**
 * connecting: first attempt. live: no events are missing. delayed: the server itself receives events late, or it answers
 * requests but opens no websocket. offline: several attempts failed, and requests too.
 */
export type ConnectionState = 'connecting' | 'live' | 'delayed' | 'reconnecting' | 'offline'

/** The part of WebSocket that is used here. */
export type Socket = {
  onmessage: ((message: MessageEvent) => void) | null
  onclose: ((event: CloseEvent) => void) | null
  close(): void
}

export type LiveConnection = {
  connectionState: ReadonlySignal<ConnectionState>
  /** True while the server says that no runner is connected. */
  runnerMissing: ReadonlySignal<boolean>
  /** Why the server opens no websocket although it answers requests. */
  websocketProblem: ReadonlySignal<string | null>
  /** Time of the last confirmed complete state, by the browser's clock in ms; 0: never. */
  lastSyncedAt: ReadonlySignal<number>
  /**
   * Reconnects unless the connection is live and fresh. For wake-up, a returned network, and the user's
   * click.
   */
  reconnectIfStale(): void
  /** Reconnects and fetches the list in every case, for example after the credential has changed. */
  reconnect(): void
  /** Neither connects nor polls until `reconnect` is called: nobody is signed in. */
  suspend(): void
  close(): void
}

type LiveConnectionOptions = {
  connect(): Socket
  apply(event: ChangeEvent): void
  /** Fetches the list; returns true on success. */
  refresh(): Promise<boolean>
  /** The view of the last list; null: not known. */
  listView?: () => string | null
  /** The server has closed the connection because the session has ended, or the right to read. */
  onRefused?: () => void
  /** The rights of the caller may have changed. */
  onRightsChanged?: () => void
  /** Asks the server why it opens no websocket. */
  explainFailure?: () => Promise<string>
  random?: () => number
}

/** The session has ended; there is no right to read any more. */
const refusedCloseCodes = [4401, 4403]

const firstHeartbeatMs = 15_000
/** Time limit for the first message. */
const connectMs = 10_000
/** The connection counts as silent after this many heartbeat intervals. */
const missedHeartbeats = 2.5
/** Failed attempts before the state becomes `offline`. */
const attemptsBeforeOffline = 3
const initialBackoffMs = 500
const maxBackoffMs = 20_000
/** Polling interval while the connection is not live. */
const pollMs = 15_000

export function openLiveConnection({
  connect,
  apply,
  refresh,
  listView = () => null,
  onRefused = () => {},
  onRightsChanged = () => {},
  explainFailure = async () => '',
  random = Math.random,
}: LiveConnectionOptions): LiveConnection {
  const connectionState = signal<ConnectionState>('connecting')
  const runnerMissing = signal(false)
  const websocketProblem = signal<string | null>(null)
  const lastSyncedAt = signal(0)
  let socket: Socket | null = null
  let attempt = 0
  let seq: number | null = null
  let heartbeatMs = firstHeartbeatMs
  let delayed = false
  let reconnectTimer: ReturnType<typeof setTimeout> | undefined
  let silenceTimer: ReturnType<typeof setTimeout> | undefined
  let closed = false
  let suspended = false
  let wasLive = false

  const connectSocket = () => {
    clearTimeout(reconnectTimer)
    seq = null
    const opened = connect()
    socket = opened
    restartSilenceTimer(connectMs)
    opened.onmessage = ({ data }) => {
      if (socket === opened) handleMessage(JSON.parse(String(data)) as LiveMessage)
    }
    opened.onclose = ({ code }) => {
      if (socket !== opened) return
      if (refusedCloseCodes.includes(code)) onRefused()
      scheduleReconnect()
    }
  }

  const handleMessage = (message: LiveMessage) => {
    if (message.type === 'hello') heartbeatMs = message.heartbeat_ms
    restartSilenceTimer(heartbeatMs * missedHeartbeats)
    const expected = message.type === 'heartbeat' ? seq : (seq ?? 0) + 1
    const missed = seq === null || message.seq !== expected
    seq = message.seq
    if (message.type === 'event') apply(message.event)
    if (message.type === 'bye') return scheduleReconnect()
    const wasDelayed = delayed
    if (message.type === 'hello' || message.type === 'heartbeat') {
      delayed = message.delayed ?? false
      runnerMissing.value = message.no_runner ?? false
    }
    // A heartbeat comes so rarely that a list which stays different makes no loop.
    const isOtherView = message.type === 'heartbeat' && differs(message.view, listView())
    if (isOtherView || message.type === 'resync' || (message.type === 'hello' && wasLive)) onRightsChanged()
    if (
      missed ||
      isOtherView ||
      delayed !== wasDelayed ||
      message.type === 'hello' ||
      message.type === 'resync'
    )
      void resync()
    else if (connectionState.peek() === 'live') lastSyncedAt.value = Date.now()
  }

  /** Sets the state to live only after the list was fetched during this connection. */
  const resync = async () => {
    const socketAtStart = socket
    const succeeded = await refresh()
    if (closed || socket !== socketAtStart) return
    if (!succeeded) return scheduleReconnect()
    attempt = 0
    websocketProblem.value = null
    lastSyncedAt.value = Date.now()
    connectionState.value = delayed ? 'delayed' : 'live'
    wasLive = true
  }

  const closeSocket = () => {
    const previous = socket
    socket = null
    clearTimeout(silenceTimer)
    if (previous === null) return
    previous.onclose = null
    previous.onmessage = null
    previous.close()
  }

  const scheduleReconnect = () => {
    closeSocket()
    if (closed || suspended) return
    const waitMs = backoffMs(attempt, initialBackoffMs, maxBackoffMs, random())
    attempt += 1
    if (attempt > attemptsBeforeOffline) void showFailure()
    else if (connectionState.peek() !== 'connecting') connectionState.value = 'reconnecting'
    clearTimeout(reconnectTimer)
    reconnectTimer = setTimeout(connectSocket, waitMs)
  }

  /** Proxies may pass requests and no websockets. */
  const showFailure = async () => {
    const isReachable = await refresh()
    const problem = isReachable ? await explainFailure() : null
    // Connected meanwhile.
    if (closed || attempt === 0) return
    websocketProblem.value = problem
    connectionState.value = isReachable ? 'delayed' : 'offline'
  }

  const restartSilenceTimer = (ms: number) => {
    clearTimeout(silenceTimer)
    silenceTimer = setTimeout(scheduleReconnect, ms)
  }

  // Without websockets the page stays up to date by polling.
  const pollTimer = setInterval(() => {
    if (connectionState.peek() !== 'live' && !suspended) void refresh()
  }, pollMs)

  const reconnect = () => {
    if (closed) return
    suspended = false
    closeSocket()
    if (connectionState.peek() === 'live') connectionState.value = 'reconnecting'
    connectSocket()
    // Only websockets may be blocked; HTTP requests can still succeed.
    void refresh()
  }

  connectSocket()
  return {
    connectionState,
    runnerMissing,
    websocketProblem,
    lastSyncedAt,
    reconnectIfStale: () => {
      const fresh = Date.now() - lastSyncedAt.peek() < heartbeatMs * 1.5
      if (!suspended && (connectionState.peek() !== 'live' || !fresh)) reconnect()
    },
    reconnect,
    suspend: () => {
      suspended = true
      clearTimeout(reconnectTimer)
      closeSocket()
      connectionState.value = 'connecting'
    },
    close: () => {
      closed = true
      clearTimeout(reconnectTimer)
      clearInterval(pollTimer)
      closeSocket()
    },
  }
}

/** False while one of them is not known, as with an older server. */
const differs = (view: string | undefined, listView: string | null) =>
  view !== undefined && listView !== null && view !== listView
