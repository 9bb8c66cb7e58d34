/**
 * Starts the measured programs as processes: server and runner of Octopod, server and runner of the baseline.
 * Called by the benchmarks.
 */
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { freePort } from '../../../lib/node/ports.ts'
import { startProgram } from '../../../lib/node/start-program.ts'
import type { Bench } from './bench.ts'

const root = join(import.meta.dirname, '../../..')

export const authorization = 'bench'

export type StoreAddresses = { databaseUrl: string; prefix: string }
export type Program = { pid: number; stop(): Promise<unknown> }
export type WebProgram = Program & { origin: string; eventsUrl: string }

/** The websockets of most benchmarks send no credential, so these requests have no limit. */
const unlimited = { REQUEST_LIMIT: '0' }

export const startServer = (bench: Bench, stores: StoreAddresses, more: Record<string, string> = unlimited) =>
  startWeb(bench, 'functions/server.ts', 'server ready', stores, {
    POWER_AUTHORIZATION_HEADER: authorization,
    ANONYMOUS_ROLE: 'developer',
    ...more,
  })

export const startBaselineServer = (
  bench: Bench,
  stores: StoreAddresses,
  more: Record<string, string> = {},
) => startWeb(bench, 'test/bench/baseline/server.ts', 'baseline ready', stores, more)

/** As in Dockerfile.runner. */
const runnerOptions = ['--max-semi-space-size=4', '--expose-gc']

export function startRunner(
  bench: Bench,
  stores: StoreAddresses,
  scripts: string,
  more: Record<string, string> = {},
): Promise<Program> {
  const env = { CONTROL_SCRIPTS_DIR: scripts, SHUTDOWN_GRACE: '1', KILL_GRACE: '1', ...more }
  return start(bench, 'runner/main.ts', 'runner ready', environment(bench, stores, env), runnerOptions)
}

export const startBaselineRunner = (bench: Bench, stores: StoreAddresses, scripts: string) =>
  start(
    bench,
    'test/bench/baseline/runner.ts',
    'baseline ready',
    environment(bench, stores, { CONTROL_SCRIPTS_DIR: scripts }),
  )

async function startWeb(
  bench: Bench,
  file: string,
  readyText: string,
  stores: StoreAddresses,
  more: Record<string, string>,
): Promise<WebProgram> {
  const port = await freePort()
  const env = environment(bench, stores, { PORT: String(port), HOST: '127.0.0.1', ...more })
  const program = await start(bench, file, readyText, env)
  return { ...program, origin: `http://127.0.0.1:${port}`, eventsUrl: `ws://127.0.0.1:${port}/event` }
}

/** Contains nothing else of the caller's environment, so that no setting of it changes a measurement. */
function environment(
  { datastores }: Bench,
  { databaseUrl, prefix }: StoreAddresses,
  more: Record<string, string>,
) {
  const { PATH, HOME } = process.env
  return {
    PATH,
    HOME,
    // The same for Octopod and the baseline, as `npm run server` sets it.
    NODE_COMPILE_CACHE: join(root, 'node_modules/.cache/octopod'),
    DATABASE_URL: databaseUrl,
    REDIS_URL: datastores.redisUrl,
    REDIS_PREFIX: prefix,
    ...more,
  }
}

async function start(
  bench: Bench,
  file: string,
  readyText: string,
  env: NodeJS.ProcessEnv,
  nodeOptions: readonly string[] = [],
): Promise<Program> {
  const { profileTo } = bench.options
  const { pid, stop } = await startProgram({
    name: file,
    file: process.execPath,
    args: [
      ...nodeOptions,
      ...(profileTo ? ['--cpu-prof', `--cpu-prof-dir=${profileTo}`] : []),
      join(root, file),
    ],
    env,
    stopSequence: [{ signal: 'SIGTERM', waitMs: 15_000 }],
    onLine: (line) => {
      // An error of a measured program makes the measurement void, so it is shown.
      if (/"level":[56]0/.test(line)) process.stderr.write(`${file}: ${line}\n`)
    },
    onSpawn: (program) => bench.onClose(program.stop),
    readyText,
    readyTimeoutMs: 30_000,
  })
  return { pid, stop }
}

/** Resident memory of a process, in bytes. On Linux it starts no process, because a benchmark reads it every second. */
export function residentBytes({ pid }: { pid: number }): number {
  const status = `/proc/${pid}/status`
  if (existsSync(status)) return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(status, 'utf8'))?.[1]) * 1024
  return Number(execFileSync('ps', ['-o', 'rss=', '-p', String(pid)], { encoding: 'utf8' })) * 1024
}
