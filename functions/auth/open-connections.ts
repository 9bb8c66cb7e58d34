/**
 * Websockets and output streams stay open for hours. This follows what happens to their callers meanwhile: a session ends, its
 * groups change, the policy changes. Created by create-services.ts.
 */
import { isDeepStrictEqual } from 'node:util'
import type { Logger } from 'pino'
import type { Identifier } from './identify.ts'
import type { Identity } from './identity.ts'
import type { PolicySource } from './policy/policy-source.ts'
import type { SessionStore } from './sessions/session-store.ts'
import type { TokenStore } from './tokens/token-store.ts'

/**
 * `ended`: the session is over. `expired`: the proxy must name the person once more, or the token has expired, so the client connects
 * again.
 */
export type ConnectionChange = { identity: Identity } | 'ended' | 'expired'

export type OpenConnections = {
  /** Calls `onChange` until the returned function is called. */
  follow(
    identity: Identity,
    onChange: (change: ConnectionChange) => void,
    /** A stream of output goes on to the end of its action, a websocket would have no end. */
    options?: { endsWithToken: boolean },
  ): () => void
  close(): void
}

type Connection = { identity: Identity; onChange: (change: ConnectionChange) => void; expiresAtMs: number }

/** Announcements of other servers may be lost, so sessions and tokens of open connections are read again so often. */
const revalidateIntervalMs = 15_000
/** Only a new request brings the groups that a proxy knows. With some chance, so that not all connect at once. */
const proxyLifetimeMs = () => 540_000 + Math.random() * 60_000

const hashOf = ({ session, token }: Identity) => session?.hash ?? token?.tokenHash ?? null

const followNothing = () => {}

export function createOpenConnections(
  identifier: Identifier,
  sessions: SessionStore,
  tokens: Pick<TokenStore, 'readAgain'>,
  policy: PolicySource,
  log: Logger,
): OpenConnections {
  const connections = new Set<Connection>()

  const change = (connection: Connection, what: ConnectionChange) => {
    if (!connections.has(connection)) return
    if (typeof what === 'string') connections.delete(connection)
    else connection.identity = what.identity
    connection.onChange(what)
  }
  const withSession = (hash: string) => [...connections].filter(({ identity }) => hashOf(identity) === hash)

  sessions.onChange(({ tokenHash, ended }) => {
    const found = withSession(tokenHash)
    if (ended) for (const connection of found) change(connection, 'ended')
    else void readAgain(found)
  })
  const readAgain = async (found: readonly Connection[]) => {
    const secretId = found[0]?.identity.session?.secretId
    if (secretId === undefined) return
    try {
      const record = await sessions.find(secretId)
      const identity = record === null ? null : identifier.ofSession(secretId, record)
      for (const connection of found) change(connection, identity === null ? 'ended' : { identity })
    } catch (error) {
      log.debug({ err: error }, 'the session of an open connection was not read again')
    }
  }
  policy.onChange(() => {
    for (const connection of connections)
      change(connection, { identity: identifier.refresh(connection.identity) })
  })

  let isRevalidating = false
  const revalidate = async () => {
    const now = performance.now()
    for (const connection of connections) if (now >= connection.expiresAtMs) change(connection, 'expired')
    const ids = [...connections].flatMap(({ identity }) => identity.session?.secretId ?? [])
    await Promise.all([sessions.revalidate([...new Set(ids)]), revalidateTokens()])
  }
  const revalidateTokens = async () => {
    const withToken = [...connections].filter(({ identity }) => identity.token !== null)
    const byHash = Map.groupBy(withToken, ({ identity }) => identity.token?.tokenHash ?? '')
    await Promise.all([...byHash].map(([hash, found]) => revalidateToken(hash, found)))
  }
  const revalidateToken = async (hash: string, found: readonly Connection[]) => {
    const record = await tokens.readAgain(hash)
    if (record === null) return
    const identity = identifier.ofToken(record)
    for (const connection of found)
      if (identity === null) change(connection, 'ended')
      else if (!isDeepStrictEqual(record.groups, connection.identity.token?.groups))
        change(connection, { identity })
  }
  const timer = setInterval(() => {
    if (isRevalidating) return
    isRevalidating = true
    revalidate()
      .catch((error) => log.debug({ err: error }, 'sessions of open connections were not read again'))
      .finally(() => {
        isRevalidating = false
      })
  }, revalidateIntervalMs).unref()

  return {
    follow(identity, onChange, { endsWithToken } = { endsWithToken: false }) {
      // What a shared credential or an anonymous caller may do changes with a new start only.
      if (identity.member === null && hashOf(identity) === null) return followNothing
      const lifetimeMs =
        identity.proof === 'proxy'
          ? proxyLifetimeMs()
          : endsWithToken && identity.token !== null
            ? identity.token.expiresInMs
            : Number.POSITIVE_INFINITY
      const expiresAtMs = performance.now() + lifetimeMs
      const connection: Connection = { identity, onChange, expiresAtMs }
      connections.add(connection)
      // It may have ended while the connection was opened.
      const hash = hashOf(identity)
      if (hash !== null && sessions.hasEnded(hash)) setImmediate(() => change(connection, 'ended'))
      return () => connections.delete(connection)
    },
    close: () => clearInterval(timer),
  }
}
