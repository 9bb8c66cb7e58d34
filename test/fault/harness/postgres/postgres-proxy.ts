/**
 * A TCP proxy in front of PostgreSQL that reads what it is asked, so that a fault can happen at one statement: before it is
 * passed on, or after it was done and before the answer comes back. Can also become a black hole, or cut everything.
 */
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import {
  parseResponse,
  readClientMessages,
  type ServerResponse,
  type Statement,
} from './postgres-protocol.ts'

/**
 * What becomes of one statement. `cut-after`: PostgreSQL does it, the connection is reset instead of the answer. `mute`:
 * PostgreSQL does it, the answer never comes, and it is called then. `answered`: passes, and is called with what came back.
 */
export type StatementAction =
  | 'pass'
  | 'cut-before'
  | 'cut-after'
  | { mute: () => void }
  | { answered: (answer: ServerResponse) => void }
export type StatementHandler = (asked: Statement) => StatementAction | Promise<StatementAction>

export type PostgresProxy = {
  url: string
  freeze(): void
  thaw(): void
  /** Resets every connection there is. */
  resetConnections(): void
  close(): Promise<void>
}

/** `judge` is asked about every statement before it is passed on; a promise holds it back. */
export async function startPostgresProxy(
  storeUrl: string,
  judge: StatementHandler = () => 'pass',
): Promise<PostgresProxy> {
  const url = new URL(storeUrl)
  const store = { host: url.hostname, port: Number(url.port) }
  const links = new Set<ProxiedConnection>()
  let frozen = false
  const server = createServer((client) => {
    const link = proxyConnection(client, connect(store), judge)
    links.add(link)
    link.ended.then(() => links.delete(link))
    if (frozen) link.freeze(true)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  url.hostname = '127.0.0.1'
  url.port = String((server.address() as AddressInfo).port)

  const cut = () => {
    for (const link of links) link.cut()
  }
  const freeze = (now: boolean) => {
    frozen = now
    for (const link of links) link.freeze(now)
  }

  return {
    url: url.href,
    freeze: () => freeze(true),
    thaw: () => freeze(false),
    resetConnections: cut,
    close: async () => {
      if (!server.listening) return
      const closed = once(server, 'close')
      server.close()
      cut()
      await closed
    },
  }
}

type ProxiedConnection = { freeze(now: boolean): void; cut(): void; ended: Promise<unknown> }

function proxyConnection(client: Socket, upstream: Socket, judge: StatementHandler): ProxiedConnection {
  let frozen = false
  /** What happens instead of the answer to the statement under way. */
  let instead: (() => void) | null = null
  /** Who wants to know the answer to the statement under way, and what has come of it. */
  let curious: { tell: (answer: ServerResponse) => void; heard: Buffer[] } | null = null
  let waiting: (() => void)[] = []
  /** A statement that is held back arrives, even if who sent it is gone by then. */
  let holding = false
  const cut = () => {
    client.resetAndDestroy()
    if (!holding) upstream.destroy()
  }
  const thawed = async () => {
    while (frozen) await new Promise<void>((resolve) => waiting.push(resolve))
  }
  for (const socket of [client, upstream]) socket.on('error', () => {}).on('close', cut)

  const forward = async () => {
    for await (const { bytes, statement } of readClientMessages(client)) {
      holding = statement !== null
      const verdict = statement === null ? 'pass' : await judge(statement)
      await thawed()
      if (verdict === 'cut-before') return cut()
      if (verdict === 'cut-after') instead = cut
      else if (typeof verdict === 'object' && 'mute' in verdict) instead = verdict.mute
      else if (typeof verdict === 'object') curious = { tell: verdict.answered, heard: [] }
      await writeWithBackpressure(upstream, bytes)
      holding = false
    }
  }
  const back = async () => {
    for await (const bytes of upstream as AsyncIterable<Buffer>) {
      await thawed()
      if (curious !== null) {
        curious.heard.push(bytes)
        if (isReadyForQuery(bytes)) {
          curious.tell(parseResponse(Buffer.concat(curious.heard)))
          curious = null
        }
      }
      if (instead === null) await writeWithBackpressure(client, bytes)
      else if (isReadyForQuery(bytes)) instead()
    }
  }
  const forwarded = forward()
    .catch(() => {})
    .finally(() => {
      holding = false
      // What has arrived is done before PostgreSQL sees that nobody is there.
      upstream.end()
    })
  const ended = Promise.allSettled([forwarded, back()]).then(cut)
  return {
    cut,
    ended,
    freeze: (now) => {
      frozen = now
      if (now) return
      for (const go of waiting) go()
      waiting = []
    },
  }
}

/** The last message of every answer: all is done, committed too. */
const isReadyForQuery = (bytes: Buffer) => bytes.subarray(-6, -1).equals(Buffer.from('Z\0\0\0\x05', 'latin1'))

async function writeWithBackpressure(to: Socket, bytes: Buffer): Promise<void> {
  if (!to.destroyed && !to.write(bytes)) await Promise.race([once(to, 'drain'), once(to, 'close')])
}
