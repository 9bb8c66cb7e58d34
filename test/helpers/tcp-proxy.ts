/**
 * A TCP proxy on loopback in front of a datastore. It can stop forwarding: it still accepts connections, and
 * nothing gets through.
 */
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

export type TcpProxy = {
  /** The address of the datastore through the proxy. */
  url: string
  /** Stops forwarding in both directions, for current and future connections. */
  freeze(): void
  /** Forwards again, also what has waited. */
  thaw(): void
  /** Discards everything on the current connections from then on, without closing them. New connections work. */
  blackhole(): void
  /** From then on, bytes of the datastore that contain the text are forwarded after the time. */
  delayAnswers(text: string, delayMs: number): void
  /** Resets all current connections. */
  resetConnections(): void
  /** The number of connected clients. */
  connectionCount(): number
  close(): Promise<void>
}

/** `host`: the address of loopback on which it listens. */
export async function startTcpProxy(storeUrl: string, host = '127.0.0.1'): Promise<TcpProxy> {
  const url = new URL(storeUrl)
  const store = { host: url.hostname, port: Number(url.port) }
  const pairs = new Set<[client: Socket, upstream: Socket]>()
  let frozen = false
  let delayed: { text: string; delayMs: number } | null = null

  const server = createServer((client) => {
    const upstream = connect(store)
    const pair: [Socket, Socket] = [client, upstream]
    pairs.add(pair)
    for (const [from, to] of [pair, [upstream, client] as const]) {
      from.on('error', () => {})
      from.on('data', (bytes) => {
        const forward = () => {
          if (!to.write(bytes)) from.pause()
        }
        if (from === upstream && delayed !== null && bytes.includes(delayed.text))
          setTimeout(forward, delayed.delayMs)
        else forward()
      })
      to.on('drain', () => {
        if (!frozen) from.resume()
      })
      from.on('close', () => {
        to.destroy()
        pairs.delete(pair)
      })
      if (frozen) from.pause()
    }
  })
  server.listen(0, host)
  await once(server, 'listening')
  url.hostname = host.includes(':') ? `[${host}]` : host
  url.port = String((server.address() as AddressInfo).port)

  const forEachSocket = (act: (socket: Socket) => void) => {
    for (const pair of pairs) for (const socket of pair) act(socket)
  }
  return {
    url: url.href,
    freeze: () => {
      frozen = true
      forEachSocket((socket) => socket.pause())
    },
    thaw: () => {
      frozen = false
      forEachSocket((socket) => socket.resume())
    },
    blackhole: () => forEachSocket((socket) => socket.removeAllListeners('data').resume()),
    delayAnswers: (text, delayMs) => {
      delayed = { text, delayMs }
    },
    resetConnections: () => forEachSocket((socket) => socket.resetAndDestroy()),
    connectionCount: () => pairs.size,
    close: async () => {
      forEachSocket((socket) => socket.destroy())
      server.close()
      await once(server, 'close')
    },
  }
}
