/** Starts the programs that are measured, each a process of its own: our server and runner, and the floors. */
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { pollUntil } from '../../../infra/dev/poll.ts'
import { freePort } from '../../../infra/dev/port.ts'
import { type Child, startChild } from '../../../infra/dev/process/child-process.ts'
import type { Bench } from './bench.ts'

const root = join(import.meta.dirname, '../../..')

export const authorization = 'bench'

export type StoreAddresses = { databaseUrl: string; prefix: string }
export type Program = { pid: number; stop(): Promise<void> }
export type WebProgram = Program & { origin: string; eventsUrl: string }

export const startServer = (bench: Bench, stores: StoreAddresses) =>
  startWeb(bench, 'functions/server.ts', 'server ready', stores, {
    POWER_AUTHORIZATION_HEADER: authorization,
  })

export const startBaselineServer = (
  bench: Bench,
  stores: StoreAddresses,
  more: Record<string, string> = {},
) => startWeb(bench, 'test/bench/baseline/server.ts', 'floor ready', stores, more)

export function startRunner(
  bench: Bench,
  stores: StoreAddresses,
  scripts: string,
  more: Record<string, string> = {},
): Promise<Program> {
  const env = { CONTROL_SCRIPTS_DIR: scripts, SHUTDOWN_GRACE: '1', KILL_GRACE: '1', ...more }
  return start(bench, 'runner/main.ts', 'runner ready', environment(bench, stores, env))
}

export const startBaselineRunner = (bench: Bench, stores: StoreAddresses, scripts: string) =>
  start(
    bench,
    'test/bench/baseline/runner.ts',
    'floor ready',
    environment(bench, stores, { CONTROL_SCRIPTS_DIR: scripts }),
  )

async function startWeb(
  bench: Bench,
  file: string,
  mark: string,
  stores: StoreAddresses,
  more: Record<string, string>,
): Promise<WebProgram> {
  const port = await freePort()
  const env = environment(bench, stores, { PORT: String(port), HOST: '127.0.0.1', ...more })
  const program = await start(bench, file, mark, env)
  return { ...program, origin: `http://127.0.0.1:${port}`, eventsUrl: `ws://127.0.0.1:${port}/event` }
}

/** Nothing of the environment of whoever benches reaches the programs. */
function environment(
  { datastores }: Bench,
  { databaseUrl, prefix }: StoreAddresses,
  more: Record<string, string>,
) {
  const { PATH, HOME } = process.env
  return {
    PATH,
    HOME,
    // As `npm run server` has it, for ours and the floors.
    NODE_COMPILE_CACHE: join(root, 'node_modules/.cache/octopod'),
    DATABASE_URL: databaseUrl,
    REDIS_URL: datastores.redisUrl,
    REDIS_PREFIX: prefix,
    ...more,
  }
}

async function start(bench: Bench, file: string, mark: string, env: NodeJS.ProcessEnv): Promise<Program> {
  let marked = false
  let ended = false
  const { profileTo } = bench.options
  const child: Child = startChild({
    name: file,
    file: process.execPath,
    args: [...(profileTo ? ['--cpu-prof', `--cpu-prof-dir=${profileTo}`] : []), join(root, file)],
    env,
    stopSequence: [{ signal: 'SIGTERM', waitMs: 15_000 }],
    log: (line) => {
      marked ||= line.includes(mark)
      // Errors of what is measured are errors of the bench.
      if (/"level":[56]0/.test(line)) process.stderr.write(`${file}: ${line}\n`)
    },
  })
  bench.onClose(child.stop)
  child.exited.then(() => {
    ended = true
  })
  if (!(await pollUntil(() => marked, { timeoutMs: 30_000, shouldStop: () => ended }))) {
    throw new Error(`${file} did not start: ${child.lastLines().join('\n')}`)
  }
  return { pid: child.pid, stop: child.stop }
}

/** Resident memory of a process, in bytes. */
export function residentBytes({ pid }: { pid: number }): number {
  return Number(execFileSync('ps', ['-o', 'rss=', '-p', String(pid)], { encoding: 'utf8' })) * 1024
}
