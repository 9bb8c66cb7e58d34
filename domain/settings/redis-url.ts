/**
 * Reads addresses of Redis, also those of Sentinels. Called when settings are read and by db/redis/connections.ts. No
 * message shows a part of the address, which may hold a piece of the password.
 */
import { endsTooEarly, UnreadableUrl, unencoded } from './database-url.ts'

export type RedisAddress = {
  /** One, or the Sentinels. */
  hosts: { host: string; port: number }[]
  username?: string | undefined
  password?: string | undefined
  db: number
  isTls: boolean
  /** Which primary the Sentinels name, and how they are asked. */
  sentinel?: { masterName: string; username?: string | undefined; password?: string | undefined } | undefined
}

const schemes = ['redis:', 'rediss:', 'redis-sentinel:', 'rediss-sentinel:']

/** Throws {@link UnreadableUrl}. */
export function readRedisUrl(text: string): RedisAddress {
  const hostList = /^redis[a-z-]*:\/\/(?:[^/?#]*@)?([^/?#@]*)/s.exec(text)?.[1] ?? ''
  const hasSeveralHosts = hostList.includes(',')
  // WHATWG URLs have one host.
  const url = URL.parse(hasSeveralHosts ? text.replace(hostList, 'several') : text)
  const isSentinel = url?.protocol.includes('sentinel') ?? false
  const unreadable = new UnreadableUrl(
    unencoded(
      isSentinel
        ? 'redis-sentinel://user:password@host:26379,host:26379/0'
        : 'redis://user:password@host:6379/0',
    ),
  )
  if (url === null || endsTooEarly(text)) throw unreadable
  if (!schemes.includes(url.protocol))
    throw new UnreadableUrl(
      'must begin with redis://, rediss:// (TLS), redis-sentinel:// or rediss-sentinel://',
    )
  if (hasSeveralHosts && !isSentinel)
    throw new UnreadableUrl(
      'names several hosts: name one address of Redis, or write redis-sentinel:// if they are Sentinels',
    )
  const db = /^\/?(\d{0,4})$/.exec(url.pathname)?.[1]
  if (db === undefined) throw new UnreadableUrl('must end with the number of a database, e.g. /0')
  const parameters = Object.fromEntries(url.searchParams)
  try {
    return {
      hosts: hostList.split(',').map((host) => readHost(host, isSentinel ? 26379 : 6379)),
      username: decodeURIComponent(url.username) || undefined,
      password: decodeURIComponent(url.password) || undefined,
      db: Number(db),
      isTls: url.protocol.startsWith('rediss'),
      sentinel: isSentinel
        ? {
            masterName: parameters.sentinelMasterId ?? 'mymaster',
            username: parameters.sentinelUsername,
            password: parameters.sentinelPassword,
          }
        : undefined,
    }
  } catch {
    throw unreadable
  }
}

function readHost(text: string, defaultPort: number): { host: string; port: number } {
  const url = new URL(`redis://${text}`)
  return {
    host: decodeURIComponent(url.hostname).replace(/^\[(.*)\]$/, '$1') || 'localhost',
    port: Number(url.port || defaultPort),
  }
}
