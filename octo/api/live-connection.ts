/**
 * Receives change events over the websocket: client/live-connection.ts with undici. The caller fetches the state again on `refresh`,
 * which follows every new connection, every gap and every refusal. Called by wait-and-follow.ts, watch-deployments.ts and
 * doctor/checks.ts.
 */
import { type Dispatcher, WebSocket } from 'undici'
import { openLive, type Socket } from '../../client/live-connection.ts'
import { isGreeted } from '../../client/live-protocol.ts'
import type { ChangeEvent } from '../../domain/event.ts'
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

export function openLiveConnection(
  client: ApiClient,
  { onEvent, initialBackoffMs, helloTimeoutMs }: LiveConnectionOptions,
): LiveConnection {
  const dispatcher = createHttpAgent(client.connection, defaultTimeLimits, true)
  const live = openLive({
    connect: () => openSocket(client, dispatcher),
    apply: onEvent,
    refresh: () => {
      onEvent({ type: 'refresh' })
      return true
    },
    // The fetch gets the reason, or shows that another credential works.
    onRefused: () => onEvent({ type: 'refresh' }),
    initialBackoffMs,
    connectTimeoutMs: helloTimeoutMs,
  })
  return {
    isLive: () => isGreeted(live.state()),
    close: () => {
      live.send({ type: 'close' })
      void dispatcher.destroy()
    },
  }
}

/** Opens the websocket as soon as there is a credential. */
function openSocket({ connection, authorize }: ApiClient, dispatcher: Dispatcher): Socket {
  const url = `${connection.origin.replace(/^http/, 'ws')}${connection.prefix}/event`
  let opened: WebSocket | null = null
  let isClosed = false
  const socket: Socket = {
    onmessage: null,
    onclose: null,
    close: () => {
      isClosed = true
      opened?.close()
    },
  }
  const open = () => {
    if (isClosed) return
    opened = new WebSocket(url, { dispatcher, headers: commonHeaders(connection) })
    opened.onmessage = (message) => socket.onmessage?.(message)
    opened.onclose = (event) => socket.onclose?.(event)
  }
  // Without a credential the server refuses the connection, and the next attempt asks again.
  authorize()
    .catch(() => {})
    .finally(open)
  return socket
}
