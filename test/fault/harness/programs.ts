/**
 * Starts the servers and runners of a fault test as real processes. Each reaches its datastores through
 * proxies of its own. Signals go only to processes that were started here and are still running. Called by
 * cluster.ts.
 */
import { join } from 'node:path'
import { freePort } from '../../../lib/node/ports.ts'
import { startProgram } from '../../../lib/node/start-program.ts'
import { startTcpProxy, type TcpProxy } from '../../helpers/tcp-proxy.ts'
import { assertPortFree, type Datastores } from './datastores.ts'
import { type PostgresProxy, type StatementHandler, startPostgresProxy } from './postgres/postgres-proxy.ts'

const root = join(import.meta.dirname, '../../..')
export const adminHeader = 'Bearer the-admin-of-the-fault-tests'

export type Program = {
  /** Also its application_name in PostgreSQL. */
  name: string
  pid: number
  postgres: PostgresProxy
  redis: TcpProxy
  lines: string[]
  isAlive(): boolean
  /** Signals this process alone, unless it has exited. */
  signal(signal: NodeJS.Signals): void
  kill(): Promise<void>
  /** SIGTERM; resolves with the exit code. */
  stop(): Promise<number | null>
  exited: Promise<unknown>
}
export type Server = Program & { url: string }

export async function startServer(
  stores: Datastores,
  name: string,
  environment: Record<string, string>,
  onStatement?: StatementHandler,
): Promise<Server> {
  const port = Number(environment.PORT || (await freePort()))
  await assertPortFree(port)
  const env = { ANONYMOUS_ROLE: 'developer', ...environment, PORT: String(port), HOST: '127.0.0.1' }
  const program = await start(stores, name, 'functions/server.ts', 'server ready', env, onStatement)
  return { ...program, url: `http://127.0.0.1:${port}` }
}

export const startRunner = (
  stores: Datastores,
  name: string,
  environment: Record<string, string>,
  onStatement?: StatementHandler,
) => start(stores, name, 'runner/main.ts', 'runner ready', environment, onStatement)

async function start(
  stores: Datastores,
  name: string,
  file: string,
  readyMessage: string,
  environment: Record<string, string>,
  onStatement?: StatementHandler,
): Promise<Program> {
  const postgres = await startPostgresProxy(stores.programUrls.postgres, onStatement)
  const redis = await startTcpProxy(stores.programUrls.redis)
  const closeProxies = () => Promise.all([postgres.close(), redis.close()])
  const lines: string[] = []
  const program = await startProgram({
    name,
    file: process.execPath,
    args: ['--max-semi-space-size=4', '--expose-gc', join(root, file)],
    env: {
      ...environment,
      PGAPPNAME: name,
      DATABASE_URL: postgres.url,
      REDIS_URL: redis.url,
      NODE_COMPILE_CACHE: join(root, 'node_modules/.cache/octopod'),
    },
    stopSequence: [{ signal: 'SIGTERM', waitMs: 30_000 }],
    onLine: (line) => {
      lines.push(line)
      if (lines.length > 500) lines.shift()
    },
    readyText: `"${readyMessage}"`,
  }).catch(async (error) => {
    await closeProxies()
    throw error
  })
  const exited = program.exited.then(async (exit) => {
    await closeProxies()
    return exit
  })
  return {
    name,
    pid: program.pid,
    postgres,
    redis,
    lines,
    isAlive: program.isRunning,
    signal: program.signal,
    kill: async () => {
      program.kill()
      await exited
    },
    stop: async () => {
      program.signal('SIGCONT')
      await program.stop()
      return (await exited).code
    },
    exited,
  }
}
