/**
 * Servers and runners of one rig, real processes, each with connections of its own to the stores by way of proxies. Signals
 * go only to what was started here and has not ended.
 */
import { join } from 'node:path'
import { pollUntil } from '../../../infra/dev/poll.ts'
import { freePort } from '../../../infra/dev/port.ts'
import { type Child, startChild } from '../../../infra/dev/process/child-process.ts'
import { startTcpProxy, type TcpProxy } from '../../helpers/tcp-proxy.ts'
import { assertPortFree, type Datastores } from './datastores.ts'
import { type PostgresProxy, type StatementHandler, startPostgresProxy } from './postgres/postgres-proxy.ts'

const root = join(import.meta.dirname, '../../..')
export const adminHeader = 'Bearer the-admin-of-the-rig'

export type Program = {
  /** As PostgreSQL knows it. */
  name: string
  pid: number
  postgres: PostgresProxy
  redis: TcpProxy
  lines: string[]
  isAlive(): boolean
  /** Only while it lives, and only this very process. */
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
  judge?: StatementHandler,
): Promise<Server> {
  const port = Number(environment.PORT || (await freePort()))
  await assertPortFree(port)
  const env = { ...environment, PORT: String(port), HOST: '127.0.0.1' }
  const program = await start(stores, name, 'functions/server.ts', 'server ready', env, judge)
  return { ...program, url: `http://127.0.0.1:${port}` }
}

export const startRunner = (
  stores: Datastores,
  name: string,
  environment: Record<string, string>,
  judge?: StatementHandler,
) => start(stores, name, 'runner/main.ts', 'runner ready', environment, judge)

async function start(
  stores: Datastores,
  name: string,
  file: string,
  mark: string,
  environment: Record<string, string>,
  judge?: StatementHandler,
): Promise<Program> {
  const postgres = await startPostgresProxy(stores.postgres.url, judge)
  const redis = await startTcpProxy(stores.redis.url)
  const lines: string[] = []
  let ready = false
  let ended = false
  const child: Child = startChild({
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
    log: (line) => {
      lines.push(line)
      if (lines.length > 500) lines.shift()
      ready ||= line.includes(`"${mark}"`)
    },
  })
  const exited = child.exited.then(async (exit) => {
    ended = true
    await Promise.all([postgres.close(), redis.close()])
    return exit
  })
  if (!(await pollUntil(() => ready, { timeoutMs: 60_000, shouldStop: () => ended }))) {
    child.kill()
    throw new Error(`${name} was not ready:\n${lines.join('\n')}`)
  }
  return {
    name,
    pid: child.pid,
    postgres,
    redis,
    lines,
    isAlive: () => !ended,
    signal: (signal) => {
      if (!ended) process.kill(child.pid, signal)
    },
    kill: async () => {
      child.kill()
      await exited
    },
    stop: async () => {
      if (!ended) process.kill(child.pid, 'SIGCONT')
      await child.stop()
      return (await exited).code
    },
    exited,
  }
}
