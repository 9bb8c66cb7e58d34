/**
 * Receives change events over the websocket and reconnects after every break. Events can be lost, so the caller must
 * fetch the state again on `refresh`, which follows every new connection and every gap. Called by wait-and-follow.ts,
 * watch-deployments.ts and doctor-checks.ts.
 */
import { WebSocket } from 'undici'
import { parseJson } from '../../client/parse-json.ts'
import type { ChangeEvent, LiveMessage } from '../../domain/event.ts'
import { backoffMs } from '../../lib/backoff.ts'
import { commonHeaders, createHttpAgent, defaultTimeLimits } from './http-agent.ts'
import type { ApiClient } from './types.ts'

export type LiveEvent = { type: 'refresh' } | ChangeEvent
/** `isLive`: the server has greeted this connection. */
export type LiveConnection = { isLive(): boolean; close(): void }
type LiveConnectionOptions = {
  onEvent(event: LiveEvent): void
  initialBackoffMs?: number
  /** Time limit for the server's first message. */
  helloTimeoutMs?: number
}

const maxBackoffMs = 15_000
/** The connection counts as dead after this many heartbeat intervals without a message. */
const heartbeatTolerance = 2.5

export function openLiveConnection(
  { connection, authorize }: ApiClient,
  { onEvent, initialBackoffMs = 500, helloTimeoutMs = 10_000 }: LiveConnectionOptions,
): LiveConnection {
  const dispatcher = createHttpAgent(connection, defaultTimeLimits, true)
  const url = `${connection.origin.replace(/^http/, 'ws')}${connection.prefix}/event`
  let socket: WebSocket | null = null
  let timer: NodeJS.Timeout | undefined
  let attempt = 0
  let seq: number | null = null
  let heartbeatMs = helloTimeoutMs / heartbeatTolerance
  let isClosed = false

  const start = () => {
    // Without it the server refuses the connection, and the next attempt asks again.
    authorize()
      .catch(() => {})
      .finally(() => {
        if (!isClosed) open()
      })
  }
  const open = () => {
    seq = null
    const newSocket = new WebSocket(url, { dispatcher, headers: commonHeaders(connection) })
    socket = newSocket
    armTimeout(helloTimeoutMs)
    newSocket.onmessage = ({ data }) => {
      if (socket === newSocket) handleMessage(String(data))
    }
    newSocket.onclose = () => {
      if (socket === newSocket) reconnect()
    }
  }
  const handleMessage = (text: string) => {
    const message = parseJson<LiveMessage>(text)
    // Another program, or an unknown version of Octopod.
    if (typeof message?.seq !== 'number') return reconnect()
    if (message.type === 'bye') return reconnect()
    if (message.type === 'hello') heartbeatMs = message.heartbeat_ms
    armTimeout(heartbeatMs * heartbeatTolerance)
    attempt = 0
    const expectedSeq = message.type === 'heartbeat' ? seq : (seq ?? 0) + 1
    const hasGap = seq === null || message.seq !== expectedSeq
    seq = message.seq
    if (message.type === 'event') onEvent(message.event)
    if (hasGap || message.type === 'resync') onEvent({ type: 'refresh' })
  }
  const armTimeout = (ms: number) => {
    clearTimeout(timer)
    timer = setTimeout(reconnect, ms)
  }
  const reconnect = () => {
    closeSocket()
    if (isClosed) return
    timer = setTimeout(start, backoffMs(attempt, initialBackoffMs, maxBackoffMs))
    attempt += 1
  }
  const closeSocket = () => {
    clearTimeout(timer)
    const oldSocket = socket
    socket = null
    seq = null
    if (oldSocket === null) return
    oldSocket.onmessage = null
    oldSocket.onclose = null
    oldSocket.close()
  }

  start()
  return {
    isLive: () => seq !== null,
    close: () => {
      isClosed = true
      closeSocket()
      void dispatcher.destroy()
    },
  }
}
