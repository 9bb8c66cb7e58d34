/**
 * A process of ours: started in its own process group, so that Ctrl-C in the terminal reaches only the
 * conductor; its lines go to a log; it ends when asked, when patience ends, or when we are gone.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'

/** Signals to end a process, each with the time it gets before the next; KILL to the group comes last. */
export type StopSequence = readonly { signal: NodeJS.Signals; waitMs: number }[]

export type Exit = { code: number | null; signal: NodeJS.Signals | null; spawnError: string | null }

export type Child = {
  name: string
  pid: number
  stopSequence: StopSequence
  /** Settles when the process has ended and its last lines are read; never rejects. */
  exited: Promise<Exit>
  /** The last lines it said. */
  lastLines(): string[]
  stop(): Promise<void>
  /** Ends it without asking. */
  kill(): void
}

export type ChildOptions = {
  name: string
  file: string
  args: readonly string[]
  env: NodeJS.ProcessEnv
  cwd?: string
  uid?: number | undefined
  gid?: number | undefined
  stopSequence?: StopSequence
  log: (line: string) => void
  onSpawn?: ((child: Child) => void) | undefined
}

const maxLastLines = 20

export function startChild(options: ChildOptions): Child {
  const stopSequence = options.stopSequence ?? [{ signal: 'SIGTERM', waitMs: 10_000 }]
  const spawned = spawn(options.file, options.args, {
    env: options.env,
    cwd: options.cwd,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(options.uid === undefined ? {} : { uid: options.uid, gid: options.gid }),
  })
  const orphanGuard = spawned.pid === undefined ? null : startOrphanGuard(spawned.pid, stopSequence)
  const lines: string[] = []
  const onLine = (line: string) => {
    lines.push(line)
    if (lines.length > maxLastLines) lines.shift()
    options.log(line)
  }
  for (const stream of [spawned.stdout, spawned.stderr]) createInterface({ input: stream }).on('line', onLine)

  let ended = false
  const exited = waitForExit(spawned).then((exit) => {
    ended = true
    orphanGuard?.kill('SIGKILL')
    return exit
  })
  const signalGroup = (signal: NodeJS.Signals) => {
    try {
      if (spawned.pid !== undefined) process.kill(-spawned.pid, signal)
    } catch {
      // Nobody is left in the group.
    }
  }
  const child: Child = {
    name: options.name,
    pid: spawned.pid ?? -1,
    stopSequence,
    exited,
    lastLines: () => [...lines],
    kill: () => {
      if (!ended) signalGroup('SIGKILL')
    },
    stop: async () => {
      for (const { signal, waitMs } of stopSequence) {
        if (ended) return
        spawned.kill(signal)
        const waiting = new AbortController()
        await Promise.race([exited, sleep(waitMs, null, { signal: waiting.signal }).catch(() => null)])
        waiting.abort()
      }
      if (!ended) signalGroup('SIGKILL')
      await exited
    },
  }
  options.onSpawn?.(child)
  return child
}

/** The end of a process: its last lines come before, but a grandchild that holds the pipes cannot delay it. */
async function waitForExit(spawned: ChildProcess): Promise<Exit> {
  const closed = new Promise((resolve) => spawned.once('close', resolve))
  const exit = await new Promise<Exit>((resolve) => {
    spawned.once('error', (error) => resolve({ code: null, signal: null, spawnError: error.message }))
    spawned.once('exit', (code, signal) => resolve({ code, signal, spawnError: null }))
  })
  const waiting = new AbortController()
  await Promise.race([closed, sleep(500, null, { signal: waiting.signal }).catch(() => null)])
  waiting.abort()
  spawned.stdout?.destroy()
  spawned.stderr?.destroy()
  return exit
}

/**
 * Should we be killed before we could stop the process, its leash does: it waits for our end of a pipe to close, then says the
 * same goodbye. Who is stopped hears nothing but CONT. Arguments: the process, then each signal and its wait in tenths of a second.
 */
const orphanGuardScript = `
pid=$1; shift
read -r _
while [ $# -gt 1 ]; do
  kill -s "$1" "$pid" 2>/dev/null || exit
  kill -s CONT "$pid" 2>/dev/null
  left=$2; shift 2
  while [ "$left" -gt 0 ] && kill -0 "$pid" 2>/dev/null; do sleep 0.1; left=$((left - 1)); done
done
kill -0 "$pid" 2>/dev/null && kill -s KILL -- "-$pid"`

function startOrphanGuard(pid: number, stopSequence: StopSequence): ChildProcess {
  const signalArguments = stopSequence.flatMap(({ signal, waitMs }) => [
    signal.replace('SIG', ''),
    Math.ceil(waitMs / 100),
  ])
  const guard = spawn(
    '/bin/sh',
    ['-c', orphanGuardScript, 'leash', ...[pid, ...signalArguments].map(String)],
    {
      detached: true,
      stdio: ['pipe', 'ignore', 'ignore'],
    },
  )
  guard.on('error', () => {})
  guard.unref()
  return guard
}

/** "ended with code 1", "was ended by SIGKILL", "could not start: …" */
export function describeExit(exit: Exit): string {
  if (exit.spawnError !== null) return `could not start: ${exit.spawnError}`
  return exit.signal === null ? `ended with code ${exit.code}` : `was ended by ${exit.signal}`
}
