/**
 * Relays change events to every websocket client at /event. A message is serialized once and sent to all. A client that
 * reads too slowly is disconnected; it connects again and reads the list. Started by server.ts.
 */
import type { IncomingMessage, Server } from 'node:http'
import type { Duplex } from 'node:stream'
import { WebSocket, WebSocketServer } from 'ws'
import { headers } from '../../domain/endpoints.ts'
import { ApiError } from '../../domain/errors.ts'
import type { Caller } from '../access/limits.ts'
import type { RawRequest } from '../access/sender.ts'
import { hasCredentials, identify, isAllowed, requireRole } from '../auth/credentials.ts'
import { toRequestId } from '../http/answer-headers.ts'
import { retryAndAuthenticateHeaders } from '../http/error-handler.ts'
import type { Services } from '../services.ts'

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

export function createWebSocketRelay(
  http: Server,
  { settings, access, log }: Pick<Services, 'settings' | 'access' | 'log'>,
): WebSocketRelay {
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
  const upgrade = async (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    socket.on('error', destroySocket)
    try {
      if (isClosing) throw new ApiError('service_unavailable', 'This server is shutting down; connect again.')
      if (URL.parse(request.url ?? '', 'http://host')?.pathname !== '/event') {
        throw new ApiError('not_found', 'Websockets are served at /event.')
      }
      const caller = await authorizeUpgrade({
        peerAddress: request.socket.remoteAddress,
        headers: { get: (name) => request.headers[name.toLowerCase()]?.toString() },
      })
      socket.once('close', access.limits.holdWebSocket(caller))
      sockets.handleUpgrade(request, socket, head, (client) => sockets.emit('connection', client))
    } catch (error) {
      rejectUpgrade(socket, error, toRequestId(request.headers['x-request-id']?.toString()))
    }
  }

  const authorizeUpgrade = async (request: RawRequest): Promise<Caller> => {
    access.requireAllowedHost(request)
    access.requireSameOrigin(request)
    const authorization =
      request.headers.get('authorization') ?? authorizationOf(request.headers.get('sec-websocket-protocol'))
    const { role, credential } = identify(settings, authorization)
    const address = access.sender.address(request)
    if (authorization && credential === null && hasCredentials(settings))
      await access.wrongCredentials.record(address, authorization, isAllowed(role, 'user'))
    await access.limits.countRequest({ credential, address }, 0)
    requireRole(role, 'user', authorization)
    return { credential, address }
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

function authorizationOf(offered: string | null | undefined): string | undefined {
  const encoded = offered
    ?.split(',')
    .map((subprotocol) => subprotocol.trim())
    .find((subprotocol) => subprotocol.startsWith('auth.'))
  return encoded && Buffer.from(encoded.slice(5), 'base64url').toString()
}

/** Closes the connection even when the client keeps it open: the HTTP timeouts do not apply to upgrade requests. */
function rejectUpgrade(socket: Duplex, error: unknown, requestId: string): void {
  const known =
    error instanceof ApiError ? error : new ApiError('internal', 'The websocket could not be opened.')
  const { status, message } = known
  const lines = {
    'Content-Type': 'text/plain; charset=utf-8',
    'Content-Length': Buffer.byteLength(message),
    Connection: 'close',
    'X-Content-Type-Options': 'nosniff',
    [headers.requestId]: requestId,
    ...retryAndAuthenticateHeaders(known),
  }
  const head = Object.entries(lines).map(([name, value]) => `${name}: ${value}`)
  socket.once('finish', destroySocket)
  socket.end([`HTTP/1.1 ${status} Refused`, ...head, '', message].join('\r\n'))
}
