/** A whole Octopod for a test: a database and a Redis prefix of its own, real server and runner processes. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { createDatabase, redisPrefix } from './datastores.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
export const adminHeader = 'Bearer the-admin-of-the-tests'

export type Program = {
  child: ChildProcess
  ready: Record<string, unknown>
  lines: string[]
  stop(): Promise<number | null>
}
export type System = {
  url: string
  adminHeader: string
  databaseUrl: string
  environment: Record<string, string>
  /** Where the scripts of test/control-scripts write `calls` and look for `do-<script>`. */
  dir: string
  server: Program
  runner: Program
  startServer(environment?: Record<string, string>): Promise<Program & { url: string }>
  startRunner(environment?: Record<string, string>): Promise<Program>
  /** How the scripts were called so far: name and arguments. */
  scriptCalls(script?: string): Promise<string[][]>
  /** Has a script of test/control-scripts behave differently from now on. */
  setBehavior(script: string, how: string): Promise<void>
  stop(): Promise<void>
}

type Options = { scripts?: string; env?: Record<string, string>; runner?: boolean }

export async function startSystem(options: Options = {}): Promise<System> {
  const database = await createDatabase()
  const dir = await mkdtemp(join(tmpdir(), 'octopod-test-'))
  const programs: Program[] = []
  const environment: Record<string, string> = {
    ...inheritedEnv(),
    DATABASE_URL: database.url,
    REDIS_URL: process.env.TEST_REDIS_URL ?? '',
    REDIS_PREFIX: redisPrefix(),
    CONTROL_SCRIPTS_DIR: options.scripts ?? join(root, 'test/control-scripts'),
    OCTOPOD_TEST_DIR: dir,
    POWER_AUTHORIZATION_HEADER: adminHeader,
    HOST: '127.0.0.1',
    PORT: '0',
    // Types are stripped and code is compiled once for all tests, as `npm run server` has it.
    NODE_COMPILE_CACHE: join(root, 'node_modules/.cache/octopod'),
    KILL_GRACE: '1',
    SHUTDOWN_GRACE: '2',
    ...options.env,
  }
  const startServer = async (more: Record<string, string> = {}) => {
    const program = await startProgram('functions/server.ts', { ...environment, ...more }, 'server ready')
    programs.push(program)
    return { ...program, url: `http://127.0.0.1:${program.ready.port}` }
  }
  const startRunner = async (more: Record<string, string> = {}) => {
    const program = await startProgram('runner/main.ts', { ...environment, ...more }, 'runner ready')
    programs.push(program)
    return program
  }
  const stop = async () => {
    await Promise.all(programs.map((program) => program.stop()))
    await database.drop()
    await rm(dir, { recursive: true, force: true })
  }
  try {
    const [server, runner] = await Promise.all([
      startServer(),
      options.runner === false ? noRunner : startRunner(),
    ])
    return {
      url: server.url,
      adminHeader,
      databaseUrl: database.url,
      environment,
      dir,
      server,
      runner,
      startServer,
      startRunner,
      scriptCalls: async (script) => {
        const text = await readFile(join(dir, 'calls'), 'utf8').catch(() => '')
        const calls = text
          .split('\n')
          .filter(Boolean)
          .map((line) => line.split('\t'))
        return script === undefined ? calls : calls.filter(([name]) => name === script)
      },
      setBehavior: (script, how) => writeFile(join(dir, `do-${script}`), `${how}\n`),
      stop,
    }
  } catch (error) {
    await stop()
    throw error
  }
}

const noRunner: Program = { child: {} as ChildProcess, ready: {}, lines: [], stop: async () => null }

function inheritedEnv(): Record<string, string> {
  const names = ['PATH', 'HOME', 'LANG', 'TMPDIR', 'USER']
  return Object.fromEntries(names.flatMap((name) => (process.env[name] ? [[name, process.env[name]]] : [])))
}

/** Resolves when the program has logged `readyWords`; rejects with its output when it ends before. */
export async function startProgram(
  file: string,
  env: Record<string, string>,
  readyWords: string,
): Promise<Program> {
  const child = spawn(process.execPath, [join(root, file)], { env, stdio: ['ignore', 'pipe', 'pipe'] })
  const lines: string[] = []
  const exited = once(child, 'exit')
  const ready = new Promise<Record<string, unknown>>((resolve, reject) => {
    for (const stream of [child.stdout, child.stderr]) {
      createInterface({ input: stream }).on('line', (line) => {
        lines.push(line)
        if (line.includes(`"${readyWords}"`)) resolve(JSON.parse(line))
      })
    }
    exited.then(() => reject(new Error(`${file} ended before it was ready:\n${lines.join('\n')}`)))
  })
  const stop = async () => {
    if (child.exitCode !== null || child.signalCode !== null) return child.exitCode
    child.kill('SIGTERM')
    const late = setTimeout(() => child.kill('SIGKILL'), 10_000)
    const [code] = await exited
    clearTimeout(late)
    return code
  }
  return { child, ready: await ready, lines, stop }
}
