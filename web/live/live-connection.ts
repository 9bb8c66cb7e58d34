/**
 * Hears what changes from /event and tells honestly how well it hears. A gap in the numbers, a new connection or the
 * server's word make it fetch the list; silence, sleep or a cut make it connect again. The other end: functions/live/websocket.ts.
 */
import { type ReadonlySignal, signal } from '@preact/signals'
import type { ChangeEvent, LiveMessage } from '../../domain/event.ts'

/** connecting: for the first time. live: nothing is missing. delayed: the server itself hears late. offline: several attempts have failed. */
export type ConnectionState = 'connecting' | 'live' | 'delayed' | 'reconnecting' | 'offline'

/** What is used of a WebSocket. */
export type Socket = {
  onmessage: ((message: MessageEvent) => void) | null
  onclose: ((event: CloseEvent) => void) | null
  close(): void
}

export type LiveConnection = {
  connectionState: ReadonlySignal<ConnectionState>
  /** When the list was last known to be whole by what was heard, in the browser's time; 0: never. */
  lastSyncedAt: ReadonlySignal<number>
  /** Connect now if there is any doubt: the machine woke up, the network is back, the person asks. */
  reconnectIfStale(): void
  /** Connect and fetch anew in any case: somebody else is asking now. */
  reconnect(): void
  close(): void
}

type LiveConnectionOptions = {
  connect(): Socket
  apply(event: ChangeEvent): void
  /** Fetches the list; true when it worked. */
  refresh(): Promise<boolean>
  random?: () => number
}

const firstHeartbeatMs = 15_000
/** How long the first word may take, then how many heartbeats may be missed. */
const connectMs = 10_000
const missedHeartbeats = 2.5
/** Attempts that may fail before it is called offline. */
const attemptsBeforeOffline = 3
const maxBackoffMs = 20_000
/** How often the list is fetched while nothing is heard. */
const pollMs = 15_000

/** Half to all of a wait that doubles: many pages must not come back at the same moment. */
export function backoffMs(attempt: number, random: number): number {
  return Math.min(maxBackoffMs, 500 * 2 ** attempt) * (0.5 + random / 2)
}

export function openLiveConnection({
  connect,
  apply,
  refresh,
  random = Math.random,
}: LiveConnectionOptions): LiveConnection {
  const connectionState = signal<ConnectionState>('connecting')
  const lastSyncedAt = signal(0)
  let socket: Socket | null = null
  let attempt = 0
  let seq: number | null = null
  let heartbeatMs = firstHeartbeatMs
  let delayed = false
  let reconnectTimer: ReturnType<typeof setTimeout> | undefined
  let silenceTimer: ReturnType<typeof setTimeout> | undefined
  let closed = false

  const connectSocket = () => {
    clearTimeout(reconnectTimer)
    seq = null
    const opened = connect()
    socket = opened
    restartSilenceTimer(connectMs)
    opened.onmessage = ({ data }) => {
      if (socket === opened) handleMessage(JSON.parse(String(data)) as LiveMessage)
    }
    opened.onclose = () => {
      if (socket === opened) scheduleReconnect()
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
    if (message.type === 'hello' || message.type === 'heartbeat') delayed = message.delayed ?? false
    if (missed || delayed !== wasDelayed || message.type === 'hello' || message.type === 'resync')
      void resync()
    else if (connectionState.peek() === 'live') lastSyncedAt.value = Date.now()
  }

  /** Live again only when the list has been fetched over this very connection's time. */
  const resync = async () => {
    const socketAtStart = socket
    const succeeded = await refresh()
    if (closed || socket !== socketAtStart) return
    if (!succeeded) return scheduleReconnect()
    attempt = 0
    lastSyncedAt.value = Date.now()
    connectionState.value = delayed ? 'delayed' : 'live'
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
    if (closed) return
    const waitMs = backoffMs(attempt, random())
    attempt += 1
    if (attempt > attemptsBeforeOffline) connectionState.value = 'offline'
    else if (connectionState.peek() !== 'connecting') connectionState.value = 'reconnecting'
    clearTimeout(reconnectTimer)
    reconnectTimer = setTimeout(connectSocket, waitMs)
  }

  const restartSilenceTimer = (ms: number) => {
    clearTimeout(silenceTimer)
    silenceTimer = setTimeout(scheduleReconnect, ms)
  }

  // Where websockets do not pass at all, the page still follows, only later.
  const pollTimer = setInterval(() => {
    if (connectionState.peek() !== 'live') void refresh()
  }, pollMs)

  const reconnect = () => {
    if (closed) return
    closeSocket()
    if (connectionState.peek() === 'live') connectionState.value = 'reconnecting'
    connectSocket()
    // It may be the websockets alone that do not get through.
    void refresh()
  }

  connectSocket()
  return {
    connectionState,
    lastSyncedAt,
    reconnectIfStale: () => {
      const fresh = Date.now() - lastSyncedAt.peek() < heartbeatMs * 1.5
      if (connectionState.peek() !== 'live' || !fresh) reconnect()
    },
    reconnect,
    close: () => {
      closed = true
      clearTimeout(reconnectTimer)
      clearInterval(pollTimer)
      closeSocket()
    },
  }
}
