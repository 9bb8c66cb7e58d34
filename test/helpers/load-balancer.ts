/** In front of servers as a load balancer: each new connection goes to the first of them that takes it. */
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/** `servers` may change while it is open. */
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
