/**
 * Relays change events to every websocket client at /event. A message is serialized once and sent to all. A client that
 * reads too slowly is disconnected; it connects again and reads the list. Started by server.ts.
 */
import type { IncomingMessage, Server } from 'node:http'
import type { Duplex } from 'node:stream'
import type { Logger } from 'pino'
import { WebSocket, WebSocketServer } from 'ws'
import { ApiError } from '../../domain/errors.ts'
import type { ServerSettings } from '../../domain/settings.ts'
import { requireRole, roleOf } from '../auth/credentials.ts'
import { requireSameOrigin } from '../http/same-origin.ts'

const heartbeatMs = 15_000
/** A client with more unsent bytes counts as too slow. */
const maxBufferedBytes = 4 * 1024 * 1024

export type WebSocketRelay = {
  /** `text`: the change event as JSON. */
  relay(text: string): void
  /** Events may have been missed: makes every client read the list again, with its ETag. */
  resync(): void
  /** Whether events arrive late, as without Redis. Connected clients learn it at once, new ones when they connect. */
  setDelayed(delayed: boolean): void
  /** Whether no runner is connected. Clients learn it like a delay. */
  setRunnerMissing(missing: boolean): void
  clientCount(): number
  /** Tells clients to connect to another server, then closes their connections. */
  close(): Promise<void>
}

export function createWebSocketRelay(http: Server, settings: ServerSettings, log: Logger): WebSocketRelay {
  const sockets = new WebSocketServer({ noServer: true, maxPayload: 1024, handleProtocols })
  const alive = new WeakSet<WebSocket>()
  let seq = 0
  let isDelayed = false
  let isRunnerMissing = false
  const stateFields = () => ({
    ...(isDelayed && { delayed: true }),
    ...(isRunnerMissing && { no_runner: true }),
  })

  const broadcast = (message: string) => {
    const bytes = Buffer.from(message)
    for (const socket of sockets.clients) {
      if (socket.readyState !== WebSocket.OPEN) continue
      if (socket.bufferedAmount > maxBufferedBytes) {
        log.info('websocket client disconnected: it reads too slowly')
        socket.terminate()
        continue
      }
      socket.send(bytes, { binary: false })
    }
  }

  let isClosing = false
  const upgrade = (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    socket.on('error', destroySocket)
    try {
      if (isClosing) return sendResponse(socket, 503, 'This server is shutting down; connect again.')
      if (URL.parse(request.url ?? '', 'http://host')?.pathname !== '/event') {
        throw new ApiError('not_found', 'Websockets are served at /event.')
      }
      const requestHeaders = { get: (name: string) => request.headers[name.toLowerCase()]?.toString() }
      requireSameOrigin(settings, requestHeaders)
      const authorization =
        requestHeaders.get('authorization') ?? authorizationOf(requestHeaders.get('sec-websocket-protocol'))
      requireRole(roleOf(settings, authorization), 'user', authorization)
      sockets.handleUpgrade(request, socket, head, (client) => sockets.emit('connection', client))
    } catch (error) {
      rejectUpgrade(socket, error)
    }
  }

  function markAlive(this: WebSocket): void {
    alive.add(this)
  }

  sockets.on('connection', (client: WebSocket) => {
    alive.add(client)
    client.on('pong', markAlive)
    client.on('error', terminateClient)
    client.send(JSON.stringify({ type: 'hello', seq, heartbeat_ms: heartbeatMs, ...stateFields() }))
  })
  http.on('upgrade', upgrade)

  const sendHeartbeat = () => broadcast(JSON.stringify({ type: 'heartbeat', seq, ...stateFields() }))
  const heartbeat = setInterval(() => {
    for (const client of sockets.clients) {
      if (!alive.delete(client)) client.terminate()
      else client.ping()
    }
    sendHeartbeat()
  }, heartbeatMs)

  return {
    relay: (text) => {
      seq += 1
      broadcast(`{"type":"event","seq":${seq},"event":${text}}`)
    },
    resync: () => {
      seq += 1
      broadcast(JSON.stringify({ type: 'resync', seq }))
    },
    setDelayed: (now) => {
      if (now === isDelayed) return
      isDelayed = now
      sendHeartbeat()
    },
    setRunnerMissing: (now) => {
      if (now === isRunnerMissing) return
      isRunnerMissing = now
      sendHeartbeat()
    },
    clientCount: () => sockets.clients.size,
    close: async () => {
      clearInterval(heartbeat)
      isClosing = true
      seq += 1
      broadcast(JSON.stringify({ type: 'bye', seq }))
      for (const client of sockets.clients) client.close(1012, 'the server restarts')
      const terminateTimer = setTimeout(() => {
        for (const client of sockets.clients) client.terminate()
      }, 1000)
      await new Promise<void>((resolve) => sockets.close(() => resolve()))
      clearTimeout(terminateTimer)
    },
  }
}

// Shared by all clients: a closure for each client would keep its request with all headers in memory.
function destroySocket(this: Duplex): void {
  this.destroy()
}
function terminateClient(this: WebSocket): void {
  this.terminate()
}

/** Browsers cannot set headers on a websocket, so the page sends its credential as a second subprotocol. */
const protocol = 'octopod.v2'
const handleProtocols = (offered: Set<string>) => (offered.has(protocol) ? protocol : false)

function authorizationOf(offered: string | undefined): string | undefined {
  const encoded = offered
    ?.split(',')
    .map((subprotocol) => subprotocol.trim())
    .find((subprotocol) => subprotocol.startsWith('auth.'))
  return encoded && Buffer.from(encoded.slice(5), 'base64url').toString()
}

function rejectUpgrade(socket: Duplex, error: unknown): void {
  const status = error instanceof ApiError ? error.status : 500
  sendResponse(
    socket,
    status,
    error instanceof ApiError ? error.message : 'The websocket could not be opened.',
  )
}

/** Closes the connection even when the client keeps it open: the HTTP timeouts do not apply to upgrade requests. */
function sendResponse(socket: Duplex, status: number, message: string): void {
  socket.once('finish', destroySocket)
  socket.end(
    `HTTP/1.1 ${status} Refused\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\nContent-Length: ${Buffer.byteLength(message)}\r\n\r\n${message}`,
  )
}
