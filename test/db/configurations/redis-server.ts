/** A Redis, Valkey or Sentinel of one test, with the lines of redis.conf that the test gives it. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { freePort, portError } from '../../../lib/node/ports.ts'
import { startProgram } from '../../../lib/node/start-program.ts'
import { findProgram } from './installed.ts'

export type RedisServer = {
  port: number
  stop(): Promise<void>
  /** Runs a command as the user `default`, at the port without TLS. */
  admin(...command: string[]): Promise<unknown>
}

export type RedisServerOptions = {
  program?: 'redis-server' | 'valkey-server'
  /** More lines of redis.conf. */
  config?: string[]
  isSentinel?: boolean
  /** A port with TLS is next to one without for the test itself. Files of the certificate, the key and the CA. */
  tls?: { cert: string; key: string; ca: string }
}

/** With `tls`, `port` is the one with TLS. */
export async function startRedisServer(options: RedisServerOptions = {}): Promise<RedisServer> {
  const { program = 'redis-server', config = [], isSentinel = false, tls } = options
  const plainPort = await freePort()
  const tlsPort = tls === undefined ? null : await freePort()
  const dir = await mkdtemp(join(tmpdir(), 'octopod-redis-'))
  const file = join(dir, 'redis.conf')
  const lines = [
    ...['bind 127.0.0.1', `port ${plainPort}`, `dir ${dir}`, 'daemonize no', 'loglevel warning'],
    ...(isSentinel ? [] : ['save ""', 'appendonly no', 'maxmemory-policy noeviction']),
    ...(tls === undefined
      ? []
      : [
          `tls-port ${tlsPort}`,
          `tls-cert-file ${tls.cert}`,
          `tls-key-file ${tls.key}`,
          `tls-ca-cert-file ${tls.ca}`,
        ]),
    ...config,
  ]
  await writeFile(file, `${lines.join('\n')}\n`)
  const running = await startProgram({
    name: program,
    file: findProgram(program) ?? program,
    args: isSentinel ? [file, '--sentinel'] : [file],
    env: { LC_ALL: 'C' },
    onLine: () => {},
    isReady: async () => (await portError(plainPort)) === 'EADDRINUSE',
  })
  return {
    port: tlsPort ?? plainPort,
    admin: async (name = '', ...args) => {
      const redis = new Redis(plainPort, '127.0.0.1', { lazyConnect: true, enableReadyCheck: false })
      redis.on('error', () => {})
      try {
        return await redis.call(name, ...args)
      } finally {
        redis.disconnect()
      }
    },
    stop: async () => {
      await running.stop()
      await rm(dir, { recursive: true, force: true })
    },
  }
}

/** The line of docs/install.md that gives a user the rights it needs, with the password PASSWORD. */
export async function documentedRedisUser(prefix = 'octopod'): Promise<string> {
  const text = await readFile(new URL('../../../docs/install.md', import.meta.url), 'utf8')
  const line = /^user octopod on .*$/m.exec(text)?.[0]
  if (line === undefined) throw new Error('docs/install.md has no line "user octopod on …"')
  return line.replaceAll('octopod:*', `${prefix}:*`)
}
