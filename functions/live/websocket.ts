/**
 * Relays change events to the websocket clients at /event that may see them. A message is serialized once. A client that
 * reads too slowly is disconnected; it connects again and reads the list. Started by server.ts.
 */
import type { IncomingMessage, Server } from 'node:http'
import type { Duplex } from 'node:stream'
import { WebSocket, WebSocketServer } from 'ws'
import { decide } from '../../domain/access/roles.ts'
import { apiVersion, headers } from '../../domain/endpoints.ts'
import { ApiError } from '../../domain/errors.ts'
import type { LiveMessage } from '../../domain/event.ts'
import type { Pause } from '../../domain/pauses/pause.ts'
import { identifySender, toCaller } from '../access/authenticate.ts'
import { createPathReader } from '../access/base-path.ts'
import { requireOwnOrigin } from '../access/same-origin.ts'
import { countLines, type RawRequest } from '../access/sender.ts'
import { actorOf } from '../auth/actor.ts'
import type { Identity } from '../auth/identity.ts'
import type { ConnectionChange } from '../auth/open-connections.ts'
import { requireRight } from '../auth/require-right.ts'
import { type View, viewOf } from '../auth/view.ts'
import { toRequestId } from '../http/answer-headers.ts'
import { retryAndAuthenticateHeaders } from '../http/error-handler.ts'
import type { Services } from '../services.ts'

const heartbeatMs = 15_000
/** A client with more unsent bytes counts as too slow. */
const maxBufferedBytes = 4 * 1024 * 1024

export type WebSocketRelay = {
  /** Sends a change to all who may see the deployment. `text`: the change event as JSON. */
  relay(name: string, text: string): void
  /** Events may have been missed: makes every client read the list again, with its ETag. */
  resync(): void
  /** Whether events arrive late, as without Redis. Connected clients learn it at once, new ones when they connect. */
  setDelayed(delayed: boolean): void
  /** Whether no runner is connected. Clients learn it like a delay. */
  setRunnerMissing(missing: boolean): void
  /** What is paused for all deployments. Clients learn it like a delay. */
  setPauses(pauses: readonly Pause[]): void
  clientCount(): number
  /** Tells clients to connect to another server, then closes their connections. */
  close(): Promise<void>
}

/** The clients that see the same deployments. */
type Channel = { view: View; seq: number; sockets: Set<WebSocket> }

export function createWebSocketRelay(
  http: Server,
  {
    settings,
    access,
    auth,
    secrets,
    audit,
    log,
  }: Pick<Services, 'settings' | 'access' | 'auth' | 'secrets' | 'audit' | 'log'>,
): WebSocketRelay {
  const sockets = new WebSocketServer({ noServer: true, maxPayload: 1024, handleProtocols })
  const paths = createPathReader(settings)
  const alive = new WeakSet<WebSocket>()
  const channels = new Map<string, Channel>()
  const channelOf = new WeakMap<WebSocket, Channel>()
  let isDelayed = false
  let isRunnerMissing = false
  let paused: readonly Pause[] = []
  const stateFields = () => ({
    ...(isDelayed && { delayed: true as const }),
    ...(isRunnerMissing && { no_runner: true as const }),
    ...(paused.length > 0 && { paused: [...paused] }),
  })

  const send = (channel: Channel, message: string) => {
    const bytes = Buffer.from(message)
    for (const socket of channel.sockets) {
      if (socket.readyState !== WebSocket.OPEN) continue
      if (socket.bufferedAmount > maxBufferedBytes) {
        log.info('websocket client disconnected: it reads too slowly')
        socket.terminate()
        continue
      }
      socket.send(bytes, { binary: false })
    }
  }
  const sendToAll = (toMessage: (channel: Channel) => LiveMessage) => {
    for (const channel of channels.values()) send(channel, JSON.stringify(toMessage(channel)))
  }

  /** The channel of a view lives as long as it has clients. */
  const join = (client: WebSocket, view: View): Channel => {
    const channel = channels.get(view.id) ?? { view, seq: 0, sockets: new Set() }
    channels.set(view.id, channel)
    channel.sockets.add(client)
    channelOf.set(client, channel)
    return channel
  }
  const leave = (client: WebSocket) => {
    const channel = channelOf.get(client)
    channel?.sockets.delete(client)
    if (channel?.sockets.size === 0) channels.delete(channel.view.id)
  }
  const applyChange = (client: WebSocket, change: ConnectionChange) => {
    if (change === 'ended') return client.close(4401, 'the session has ended')
    if (change === 'expired') return client.close(1012, 'connect again')
    if (!decide(change.identity.permissions, 'read').isAllowed) return client.close(4403, 'no right to read')
    const view = viewOf(change.identity)
    if (channelOf.get(client)?.view.id !== view.id) {
      leave(client)
      join(client, view)
    }
    // Also with the same view: other rights may have changed.
    const { seq } = channelOf.get(client) ?? { seq: 0 }
    client.send(JSON.stringify({ type: 'resync', seq, view: view.id } satisfies LiveMessage))
  }

  let isClosing = false
  const upgrade = async (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    socket.on('error', destroySocket)
    const raw: RawRequest = {
      peerAddress: request.socket.remoteAddress,
      headers: { get: (name) => request.headers[name.toLowerCase()]?.toString() },
      countLines: (name) => countLines(request.rawHeaders, name),
    }
    try {
      if (isClosing) throw new ApiError('service_unavailable', 'This server is shutting down; connect again.')
      const path = URL.parse(request.url ?? '', 'http://host')?.pathname ?? ''
      if (paths.read(path) !== '/event') throw new ApiError('not_found', 'Websockets are served at /event.')
      const { identity, caller } = await authorizeUpgrade(raw)
      socket.once('close', access.limits.holdWebSocket(caller))
      sockets.handleUpgrade(request, socket, head, (client) => open(client, identity))
    } catch (error) {
      if (error instanceof ApiError && error.status === 401)
        audit.countUnidentified(access.sender.address(raw))
      rejectUpgrade(socket, error, toRequestId(request.headers['x-request-id']?.toString()))
    }
  }

  /** Also a websocket that is refused is in the audit log before its answer. */
  const recordRefusal = async (request: RawRequest, identity: Identity, requireIt: () => void) => {
    try {
      requireIt()
    } catch (error) {
      if (!(error instanceof ApiError)) throw error
      const origin = { address: access.sender.address(request), requestId: null }
      if (error.code === 'forbidden')
        await audit.recordRefusal(
          actorOf(identity, { get: () => undefined }, origin),
          identity.key ?? origin.address,
          { operation: 'read' },
          error.message,
        )
      throw error
    }
  }

  const authorizeUpgrade = async (request: RawRequest) => {
    await access.requireAllowedHost(request)
    access.requireSameOrigin(request)
    const authorization =
      request.headers.get('authorization') ?? authorizationOf(request.headers.get('sec-websocket-protocol'))
    const mayRead = ({ permissions }: Identity) => decide(permissions, 'read').isAllowed
    const identity = await identifySender(auth, access, request, mayRead, authorization)
    if (identity.session !== null) requireOwnOrigin(request, auth.cookies.originOf(request))
    const caller = toCaller(identity, access.sender, request)
    await access.limits.countRequest(caller, 0)
    await recordRefusal(request, identity, () => requireRight(settings, identity, 'read'))
    return { identity, caller }
  }

  function markAlive(this: WebSocket): void {
    alive.add(this)
  }

  const open = (client: WebSocket, identity: Identity) => {
    const view = viewOf(identity)
    const { seq } = join(client, view)
    const stopFollowing = auth.connections.follow(identity, (change) => applyChange(client, change), {
      endsWithToken: true,
    })
    alive.add(client)
    client.on('pong', markAlive)
    client.on('error', terminateClient)
    client.on('close', () => {
      stopFollowing()
      leave(client)
    })
    client.send(
      JSON.stringify({ type: 'hello', seq, heartbeat_ms: heartbeatMs, view: view.id, ...stateFields() }),
    )
  }
  http.on('upgrade', upgrade)

  const sendHeartbeat = () =>
    sendToAll(({ seq, view }) => ({ type: 'heartbeat', seq, view: view.id, ...stateFields() }))
  const heartbeat = setInterval(() => {
    for (const client of sockets.clients) {
      if (!alive.delete(client)) client.terminate()
      else client.ping()
    }
    sendHeartbeat()
  }, heartbeatMs)

  return {
    relay: (name, text) => {
      let hiddenText: string | null = null
      for (const channel of channels.values()) {
        if (!channel.view.includes(name)) continue
        // Each channel counts what it gets, so that a change that it may not see is no gap.
        channel.seq += 1
        if (!channel.view.seesSecrets(name)) hiddenText ??= secrets.hider.eventText(text)
        const event = channel.view.seesSecrets(name) ? text : hiddenText
        send(channel, `{"type":"event","seq":${channel.seq},"event":${event}}`)
      }
    },
    resync: () =>
      sendToAll((channel) => {
        channel.seq += 1
        return { type: 'resync', seq: channel.seq, view: channel.view.id }
      }),
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
    setPauses: (now) => {
      paused = now
      sendHeartbeat()
    },
    clientCount: () => sockets.clients.size,
    close: async () => {
      clearInterval(heartbeat)
      isClosing = true
      sendToAll((channel) => {
        channel.seq += 1
        return { type: 'bye', seq: channel.seq }
      })
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
    [headers.version]: apiVersion,
    ...retryAndAuthenticateHeaders(known),
  }
  const head = Object.entries(lines).map(([name, value]) => `${name}: ${value}`)
  socket.once('finish', destroySocket)
  socket.end([`HTTP/1.1 ${status} Refused`, ...head, '', message].join('\r\n'))
}
