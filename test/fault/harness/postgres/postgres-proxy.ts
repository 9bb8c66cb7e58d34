/**
 * A TCP proxy in front of PostgreSQL that reads the statements, so that a fault can happen at one of them:
 * before it is forwarded, or after PostgreSQL has executed it and before the response arrives. It can also
 * stop forwarding, or reset all connections. Called by the fault harness and by flow tests of races.
 */
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import {
  parseResponse,
  readClientMessages,
  type ServerResponse,
  type Statement,
} from './postgres-protocol.ts'

/** What happens to one statement. */
export type StatementAction =
  | 'pass'
  /** The connection is reset; PostgreSQL does not receive the statement. */
  | 'reset-before'
  /** PostgreSQL executes the statement; the connection is reset in place of the response. */
  | 'reset-after'
  /** PostgreSQL executes the statement; the function is called in place of the response, which never arrives. */
  | { dropResponse: () => void }
  /** The statement passes, and the function receives its response. */
  | { onResponse: (response: ServerResponse) => void }
export type StatementHandler = (statement: Statement) => StatementAction | Promise<StatementAction>

export type PostgresProxy = {
  url: string
  /** Stops forwarding, in both directions, for current and future connections. */
  freeze(): void
  /** Forwards again, also what has waited. */
  thaw(): void
  resetConnections(): void
  close(): Promise<void>
}

/** `onStatement` is called before each statement is forwarded; the statement waits for its promise. */
export async function startPostgresProxy(
  postgresUrl: string,
  onStatement: StatementHandler = () => 'pass',
): Promise<PostgresProxy> {
  const url = new URL(postgresUrl)
  const upstreamAddress = { host: url.hostname, port: Number(url.port) }
  const connections = new Set<ProxiedConnection>()
  let frozen = false
  const server = createServer((client) => {
    const connection = proxyConnection(client, connect(upstreamAddress), onStatement)
    connections.add(connection)
    void connection.ended.then(() => connections.delete(connection))
    if (frozen) connection.setFrozen(true)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  url.hostname = '127.0.0.1'
  url.port = String((server.address() as AddressInfo).port)

  const resetConnections = () => {
    for (const connection of connections) connection.reset()
  }
  const setFrozen = (value: boolean) => {
    frozen = value
    for (const connection of connections) connection.setFrozen(value)
  }

  return {
    url: url.href,
    freeze: () => setFrozen(true),
    thaw: () => setFrozen(false),
    resetConnections,
    close: async () => {
      if (!server.listening) return
      const closed = once(server, 'close')
      server.close()
      resetConnections()
      await closed
    },
  }
}

type ProxiedConnection = { setFrozen(frozen: boolean): void; reset(): void; ended: Promise<unknown> }

function proxyConnection(client: Socket, upstream: Socket, onStatement: StatementHandler): ProxiedConnection {
  let frozen = false
  /** Is called in place of the response to the current statement. */
  let insteadOfResponse: (() => void) | null = null
  /** Receives the response to the current statement. */
  let listener: { onResponse: (response: ServerResponse) => void; received: Buffer[] } | null = null
  let waitingForThaw: (() => void)[] = []
  /** A statement that the handler holds back still reaches PostgreSQL when the client is gone, and its response the listener. */
  let holding = false
  const reset = () => {
    client.resetAndDestroy()
    if (!holding && listener === null) upstream.destroy()
  }
  const thawed = async () => {
    while (frozen) await new Promise<void>((resolve) => waitingForThaw.push(resolve))
  }
  for (const socket of [client, upstream]) socket.on('error', () => {}).on('close', reset)

  const forwardRequests = async () => {
    for await (const { bytes, statement } of readClientMessages(client)) {
      holding = statement !== null
      const action = statement === null ? 'pass' : await onStatement(statement)
      await thawed()
      if (action === 'reset-before') return reset()
      if (action === 'reset-after') insteadOfResponse = reset
      else if (typeof action === 'object' && 'dropResponse' in action) insteadOfResponse = action.dropResponse
      else if (typeof action === 'object') listener = { onResponse: action.onResponse, received: [] }
      await writeWithBackpressure(upstream, bytes)
      holding = false
    }
  }
  const forwardResponses = async () => {
    for await (const bytes of upstream as AsyncIterable<Buffer>) {
      await thawed()
      if (listener !== null) {
        listener.received.push(bytes)
        if (isReadyForQuery(bytes)) {
          listener.onResponse(parseResponse(Buffer.concat(listener.received)))
          listener = null
        }
      }
      if (insteadOfResponse === null) await writeWithBackpressure(client, bytes)
      else if (isReadyForQuery(bytes)) insteadOfResponse()
    }
  }
  const requestsForwarded = forwardRequests()
    .catch(() => {})
    .finally(() => {
      holding = false
      // PostgreSQL executes what it has received before it sees the end of the connection.
      upstream.end()
    })
  const ended = Promise.allSettled([requestsForwarded, forwardResponses()]).then(reset)
  return {
    reset,
    ended,
    setFrozen: (value) => {
      frozen = value
      if (value) return
      for (const resume of waitingForThaw) resume()
      waitingForThaw = []
    },
  }
}

/** The last message of every response: the statement, and a commit, is complete. */
const isReadyForQuery = (bytes: Buffer) => bytes.subarray(-6, -1).equals(Buffer.from('Z\0\0\0\x05', 'latin1'))

async function writeWithBackpressure(to: Socket, bytes: Buffer): Promise<void> {
  if (!to.destroyed && !to.write(bytes)) await Promise.race([once(to, 'drain'), once(to, 'close')])
}
