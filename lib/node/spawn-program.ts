/**
 * Starts another program as a child process in its own process group, so that Ctrl-C in the terminal does not
 * reach it. Called by start-program.ts, `npm start`, the test cluster, the tests and the bench. The program
 * never outlives the process that started it.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { withTimeout } from '../with-timeout.ts'
import { endProcessTree, killProcessGroup, type StopSequence, startOrphanGuard } from './end-process-tree.ts'

export type Exit = { code: number | null; signal: NodeJS.Signals | null; spawnError: string | null }

export type RunningProgram = {
  name: string
  /** -1 when the program could not be spawned. */
  pid: number
  stopSequence: StopSequence
  /** Settles when the process has exited and its last lines are read; never rejects. */
  exited: Promise<Exit>
  isRunning(): boolean
  /** The last 20 lines of its output. */
  lastLines(): string[]
  /** Sends a signal to the process alone, unless it has exited. */
  signal(signal: NodeJS.Signals): void
  /** Sends the signals of the stop sequence; resolves when the process has exited. */
  stop(): Promise<Exit>
  /** Kills the process group at once. */
  kill(): void
}

export type ProgramOptions = {
  /** For messages. */
  name: string
  file: string
  args: readonly string[]
  env: NodeJS.ProcessEnv
  cwd?: string
  uid?: number | undefined
  gid?: number | undefined
  /** Default: SIGTERM, then SIGKILL to the group after 10 s. */
  stopSequence?: StopSequence
  /** Receives each line of stdout and stderr. */
  onLine: (line: string) => void
  onSpawn?: ((program: RunningProgram) => void) | undefined
}

const maxLastLines = 20
const defaultStopSequence: StopSequence = [{ signal: 'SIGTERM', waitMs: 10_000 }]

export function spawnProgram(options: ProgramOptions): RunningProgram {
  const { name, file, args, env, cwd, uid, gid, stopSequence = defaultStopSequence } = options
  const child = spawn(file, args, {
    env,
    cwd,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(uid === undefined ? {} : { uid, gid }),
  })
  const orphanGuard = child.pid === undefined ? null : startOrphanGuard(child.pid, stopSequence)
  const lines: string[] = []
  const onLine = (line: string) => {
    lines.push(line)
    if (lines.length > maxLastLines) lines.shift()
    options.onLine(line)
  }
  for (const stream of [child.stdout, child.stderr]) createInterface({ input: stream }).on('line', onLine)

  let running = true
  const exited = waitForExit(child).then((exit) => {
    running = false
    orphanGuard?.kill('SIGKILL')
    return exit
  })
  const program: RunningProgram = {
    name,
    pid: child.pid ?? -1,
    stopSequence,
    exited,
    isRunning: () => running,
    lastLines: () => [...lines],
    signal: (signal) => void child.kill(signal),
    stop: async () => {
      await endProcessTree(child, exited, stopSequence)
      return exited
    },
    kill: () => {
      if (child.pid !== undefined && running) killProcessGroup(child.pid)
    },
  }
  options.onSpawn?.(program)
  return program
}

/** Waits for the last lines too, but at most 500 ms: a grandchild that holds the pipes must not delay the exit. */
async function waitForExit(child: ChildProcess): Promise<Exit> {
  const closed = new Promise((resolve) => child.once('close', resolve))
  const exit = await new Promise<Exit>((resolve) => {
    child.once('error', (error) => resolve({ code: null, signal: null, spawnError: error.message }))
    child.once('exit', (code, signal) => resolve({ code, signal, spawnError: null }))
  })
  await withTimeout(closed, 500, () => {})
  child.stdout?.destroy()
  child.stderr?.destroy()
  return exit
}

/** "ended with code 1", "was ended by SIGKILL" or "could not start: …". */
export function describeExit(exit: Exit): string {
  if (exit.spawnError !== null) return `could not start: ${exit.spawnError}`
  return exit.signal === null ? `ended with code ${exit.code}` : `was ended by ${exit.signal}`
}
