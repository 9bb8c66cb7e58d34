/**
 * A whole Octopod for a test: a database and a Redis prefix of its own, and real server and runner processes.
 */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { RunningProgram } from '../../lib/node/spawn-program.ts'
import { startProgram } from '../../lib/node/start-program.ts'
import { createDatabase, redisPrefix } from './datastores.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
export const adminHeader = 'Bearer the-admin-of-the-tests'
/** All tests share the compiled code, as with `npm run server`. */
export const compileCache = join(root, 'node_modules/.cache/octopod')

export type Program = Pick<RunningProgram, 'pid' | 'exited' | 'isRunning' | 'signal'> & {
  /** The log entry that says it is ready. */
  ready: Record<string, unknown>
  /** All lines of its output so far. */
  lines: string[]
  /** Sends SIGTERM; resolves with the exit code. */
  stop(): Promise<number | null>
}
export type System = {
  url: string
  adminHeader: string
  databaseUrl: string
  environment: Record<string, string>
  /** The folder in which the scripts of test/scripts/configurable write `calls` and look for `do-<script>`. */
  dir: string
  server: Program
  runner: Program
  startServer(environment?: Record<string, string>, code?: string): Promise<Program & { url: string }>
  startRunner(environment?: Record<string, string>, code?: string): Promise<Program>
  /** The calls of scripts so far: name and arguments. */
  scriptCalls(script?: string): Promise<string[][]>
  /** Sets the behaviour of a script of test/scripts/configurable from now on. */
  setBehavior(script: string, behaviour: string): Promise<void>
  stop(): Promise<void>
}

type Options = {
  scripts?: string
  env?: Record<string, string>
  runner?: boolean
  /** The folder with the code of the first server and runner. Default: this repository. */
  code?: string
}

export async function startSystem(options: Options = {}): Promise<System> {
  const database = await createDatabase()
  const dir = await mkdtemp(join(tmpdir(), 'octopod-test-'))
  const programs: Program[] = []
  const environment: Record<string, string> = {
    ...inheritedEnv(),
    DATABASE_URL: database.url,
    REDIS_URL: process.env.TEST_REDIS_URL ?? '',
    REDIS_PREFIX: redisPrefix(),
    CONTROL_SCRIPTS_DIR: options.scripts ?? join(root, 'test/scripts/configurable'),
    OCTOPOD_TEST_DIR: dir,
    POWER_AUTHORIZATION_HEADER: adminHeader,
    ANONYMOUS_ROLE: 'developer',
    ...anonymousRoleFor(options.env ?? {}),
    HOST: '127.0.0.1',
    PORT: '0',
    NODE_COMPILE_CACHE: compileCache,
    KILL_GRACE: '1',
    SHUTDOWN_GRACE: '2',
    ...options.env,
  }
  const startServer: System['startServer'] = async (more = {}, code = root) => {
    const program = await startOctopodProgram(
      'functions/server.ts',
      { ...environment, ...anonymousRoleFor(more), ...more },
      'server ready',
      code,
    )
    programs.push(program)
    return { ...program, url: `http://127.0.0.1:${program.ready.port}` }
  }
  const startRunner: System['startRunner'] = async (more = {}, code = root) => {
    const program = await startOctopodProgram(
      'runner/main.ts',
      { ...environment, ...more },
      'runner ready',
      code,
    )
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
      startServer({}, options.code),
      options.runner === false ? noRunner : startRunner({}, options.code),
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
      setBehavior: (script, behaviour) => writeFile(join(dir, `do-${script}`), `${behaviour}\n`),
      stop,
    }
  } catch (error) {
    await stop()
    throw error
  }
}

/** Where people have a credential, nobody else may do anything. */
const anonymousRoleFor = (environment: Record<string, string>): Record<string, string> =>
  environment.APP_AUTHORIZATION_HEADER === undefined ? {} : { ANONYMOUS_ROLE: 'none' }

const noRunner: Program = {
  pid: -1,
  exited: Promise.resolve({ code: null, signal: null, spawnError: null }),
  isRunning: () => false,
  signal: () => {},
  ready: {},
  lines: [],
  stop: async () => null,
}

function inheritedEnv(): Record<string, string> {
  const names = ['PATH', 'HOME', 'LANG', 'TMPDIR', 'USER']
  return Object.fromEntries(names.flatMap((name) => (process.env[name] ? [[name, process.env[name]]] : [])))
}

/**
 * Starts a program of this repository, or of another folder with its code; resolves when it has logged `readyMessage`.
 * @throws ProgramStartError
 */
export async function startOctopodProgram(
  file: string,
  env: Record<string, string>,
  readyMessage: string,
  code = root,
): Promise<Program> {
  const lines: string[] = []
  const program = await startProgram({
    name: file,
    file: process.execPath,
    args: [join(code, file)],
    env,
    onLine: (line) => lines.push(line),
    readyText: `"${readyMessage}"`,
  })
  const { pid, exited, isRunning, signal } = program
  const stop = async () => (await program.stop()).code
  return { pid, exited, isRunning, signal, ready: JSON.parse(program.readyLine), lines, stop }
}
