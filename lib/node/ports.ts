/** Finds free TCP ports of this machine. Called by `npm start`, the test cluster, the tests and the bench. */
import { randomInt } from 'node:crypto'
import { createServer } from 'node:net'

/** Linux gives 32768 to 60999 to outgoing connections, other systems 49152 to 65535. No port is taken from there. */
const firstPort = 12_000
const lastPort = 32_000
const attempts = 50

/** The error code of listening on the port (EADDRINUSE, EACCES …), or null when it works. */
export function portError(port: number, host = '127.0.0.1'): Promise<string | null> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message))
    server.listen({ port, host, exclusive: true }, () => server.close(() => resolve(null)))
  })
}

/**
 * A port that no program uses now. It is a random one that outgoing connections do not get: one from the operating system
 * (port 0) can be given to a connection before the caller listens on it.
 */
export async function freePort(host = '127.0.0.1'): Promise<number> {
  let error: string | null = null
  for (let attempt = 0; attempt < attempts; attempt += 1) {
    const port = randomInt(firstPort, lastPort)
    error = await portError(port, host)
    if (error === null) return port
  }
  throw new Error(`No free port of ${host} was found between ${firstPort} and ${lastPort}: ${error}`)
}
