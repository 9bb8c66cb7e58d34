/** A load balancer for tests: forwards each new connection to the first server that accepts it. */
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/** `servers` may change while the load balancer runs. */
export async function startLoadBalancer(servers: readonly string[]): Promise<{ url: string; close(): void }> {
  const forward = (socket: Socket, [first, ...others]: readonly string[]) => {
    if (first === undefined) return socket.destroy()
    const upstream = connect(Number(new URL(first).port), '127.0.0.1')
    upstream.once('error', () => forward(socket, others))
    upstream.once('connect', () => {
      upstream.removeAllListeners('error').on('error', () => socket.destroy())
      socket.on('error', () => upstream.destroy())
      socket.pipe(upstream).pipe(socket)
    })
  }
  const server = createServer((socket) => {
    socket.on('error', () => {})
    forward(socket, servers)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return { url: `http://127.0.0.1:${port}`, close: () => server.close() }
}
