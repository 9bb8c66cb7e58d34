/**
 * Hears from the websocket what changes, and comes back after every cut. It only ever hints: who listens looks again
 * on `refresh`, which comes with every new connection and after every gap. Called by wait.ts and commands/watch.ts.
 */
import { WebSocket } from 'undici'
import type { ChangeEvent } from '../../domain/event.ts'
import { backoffMs } from '../../lib/backoff.ts'
import { type ApiClient, commonHeaders } from './client.ts'
import { createHttpAgent, defaultTimeLimits } from './http-agent.ts'
import { parseJson } from './validate-response.ts'

export type LiveEvent = { type: 'refresh' } | ChangeEvent
export type LiveConnection = { isLive(): boolean; close(): void }
type LiveConnectionOptions = { onEvent(heard: LiveEvent): void; firstPauseMs?: number; helloMs?: number }

const maxBackoffMs = 15_000
/** Heartbeats that may be missed. */
const heartbeatTolerance = 2.5

export function openLiveConnection(
  { connection }: ApiClient,
  { onEvent, firstPauseMs = 500, helloMs = 10_000 }: LiveConnectionOptions,
): LiveConnection {
  const dispatcher = createHttpAgent(connection, defaultTimeLimits, true)
  const url = `${connection.origin.replace(/^http/, 'ws')}${connection.prefix}/event`
  let socket: WebSocket | null = null
  let timer: NodeJS.Timeout | undefined
  let attempt = 0
  let seq: number | null = null
  let heartbeatMs = helloMs / heartbeatTolerance
  let closed = false

  const open = () => {
    seq = null
    const candidate = new WebSocket(url, { dispatcher, headers: commonHeaders(connection) })
    socket = candidate
    armTimeout(helloMs)
    candidate.onmessage = ({ data }) => {
      if (socket === candidate) handleMessage(String(data))
    }
    candidate.onclose = () => {
      if (socket === candidate) reconnect()
    }
  }
  const handleMessage = (text: string) => {
    const message = parseJson('liveMessage', text)
    // Not ours, or of a version we do not know: as good as no connection.
    if (message === null) return reconnect()
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
    if (closed) return
    timer = setTimeout(open, backoffMs(attempt, firstPauseMs, maxBackoffMs))
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

  open()
  return {
    isLive: () => seq !== null,
    close: () => {
      closed = true
      closeSocket()
      void dispatcher.destroy()
    },
  }
}
