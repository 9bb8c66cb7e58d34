/**
 * Step 12: relays changes to every websocket client at /event. One message is made once and sent to all; a client that
 * reads too slowly is dropped and comes back with a fresh list. Started by server.ts.
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
/** What may wait for a client's socket before it counts as too slow, in bytes. */
const maxBufferedBytes = 4 * 1024 * 1024

export type WebSocketRelay = {
  /** `text`: the change event as JSON. */
  relay(text: string): void
  /** Events may have been missed: everybody fetches the list again (with its ETag, so mostly for nothing). */
  resync(): void
  /** Whether changes are heard of late: told at once, and to whoever comes. */
  setDelayed(delayed: boolean): void
  clientCount(): number
  /** Tells clients to go elsewhere, then closes. */
  close(): Promise<void>
}

export function createWebSocketRelay(http: Server, settings: ServerSettings, log: Logger): WebSocketRelay {
  const sockets = new WebSocketServer({ noServer: true, maxPayload: 1024, handleProtocols })
  const alive = new WeakSet<WebSocket>()
  let seq = 0
  let isDelayed = false
  const delayedField = () => (isDelayed ? { delayed: true } : {})

  const broadcast = (message: string) => {
    const bytes = Buffer.from(message)
    for (const socket of sockets.clients) {
      if (socket.readyState !== WebSocket.OPEN) continue
      if (socket.bufferedAmount > maxBufferedBytes) {
        log.info('a websocket client reads too slowly and is dropped')
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
        throw new ApiError('no_such_path', 'Websockets are served at /event.')
      }
      const given = { get: (name: string) => request.headers[name.toLowerCase()]?.toString() }
      requireSameOrigin(settings, given)
      const authorization = given.get('authorization') ?? authorizationOf(given.get('sec-websocket-protocol'))
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
    client.send(JSON.stringify({ type: 'hello', seq, heartbeat_ms: heartbeatMs, ...delayedField() }))
  })
  http.on('upgrade', upgrade)

  const sendHeartbeat = () => broadcast(JSON.stringify({ type: 'heartbeat', seq, ...delayedField() }))
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

// One for all clients: a function made for each would keep its request, headers and all, as long as its connection.
function destroySocket(this: Duplex): void {
  this.destroy()
}
function terminateClient(this: WebSocket): void {
  this.terminate()
}

/** Browsers cannot set headers on a websocket: the page offers its credential as a second subprotocol. */
const protocol = 'octopod.v2'
const handleProtocols = (offered: Set<string>) => (offered.has(protocol) ? protocol : false)

function authorizationOf(offered: string | undefined): string | undefined {
  const encoded = offered
    ?.split(',')
    .map((one) => one.trim())
    .find((one) => one.startsWith('auth.'))
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

/** The connection ends with it, whether its client closes or not: no time limit of HTTP holds for what asked for an upgrade. */
function sendResponse(socket: Duplex, status: number, message: string): void {
  socket.once('finish', destroySocket)
  socket.end(
    `HTTP/1.1 ${status} Refused\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\nContent-Length: ${Buffer.byteLength(message)}\r\n\r\n${message}`,
  )
}
