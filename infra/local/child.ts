/**
 * A process of ours: started in its own process group, so that Ctrl-C in the terminal reaches only the
 * conductor; its lines go to a log; it ends when asked, when patience ends, or when we are gone.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'

/** Signals to end a process, each with the time it gets before the next; KILL to the group comes last. */
export type Goodbye = readonly { signal: NodeJS.Signals; waitMs: number }[]

export type Exit = { code: number | null; signal: NodeJS.Signals | null; problem: string | null }

export type Child = {
  name: string
  pid: number
  goodbye: Goodbye
  /** Settles when the process has ended and its last lines are read; never rejects. */
  exited: Promise<Exit>
  /** The last lines it said. */
  lastLines(): string[]
  stop(): Promise<void>
  /** Ends it without asking. */
  kill(): void
}

export type Command = {
  name: string
  file: string
  args: readonly string[]
  env: NodeJS.ProcessEnv
  cwd?: string
  uid?: number | undefined
  gid?: number | undefined
  goodbye?: Goodbye
  log: (line: string) => void
  onSpawn?: ((child: Child) => void) | undefined
}

const keptLines = 20

export function startChild(command: Command): Child {
  const goodbye = command.goodbye ?? [{ signal: 'SIGTERM', waitMs: 10_000 }]
  const spawned = spawn(command.file, command.args, {
    env: command.env,
    cwd: command.cwd,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(command.uid === undefined ? {} : { uid: command.uid, gid: command.gid }),
  })
  const leash = spawned.pid === undefined ? null : leashOf(spawned.pid, goodbye)
  const lines: string[] = []
  const read = (line: string) => {
    lines.push(line)
    if (lines.length > keptLines) lines.shift()
    command.log(line)
  }
  for (const stream of [spawned.stdout, spawned.stderr]) createInterface({ input: stream }).on('line', read)

  let ended = false
  const exited = endOf(spawned).then((exit) => {
    ended = true
    leash?.kill('SIGKILL')
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
    name: command.name,
    pid: spawned.pid ?? -1,
    goodbye,
    exited,
    lastLines: () => [...lines],
    kill: () => {
      if (!ended) signalGroup('SIGKILL')
    },
    stop: async () => {
      for (const { signal, waitMs } of goodbye) {
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
  command.onSpawn?.(child)
  return child
}

/** The end of a process: its last lines come before, but a grandchild that holds the pipes cannot delay it. */
async function endOf(spawned: ChildProcess): Promise<Exit> {
  const closed = new Promise((resolve) => spawned.once('close', resolve))
  const exit = await new Promise<Exit>((resolve) => {
    spawned.once('error', (error) => resolve({ code: null, signal: null, problem: error.message }))
    spawned.once('exit', (code, signal) => resolve({ code, signal, problem: null }))
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
const leashScript = `
pid=$1; shift
read -r _
while [ $# -gt 1 ]; do
  kill -s "$1" "$pid" 2>/dev/null || exit
  kill -s CONT "$pid" 2>/dev/null
  left=$2; shift 2
  while [ "$left" -gt 0 ] && kill -0 "$pid" 2>/dev/null; do sleep 0.1; left=$((left - 1)); done
done
kill -0 "$pid" 2>/dev/null && kill -s KILL -- "-$pid"`

function leashOf(pid: number, goodbye: Goodbye): ChildProcess {
  const words = goodbye.flatMap(({ signal, waitMs }) => [signal.replace('SIG', ''), Math.ceil(waitMs / 100)])
  const leash = spawn('/bin/sh', ['-c', leashScript, 'leash', ...[pid, ...words].map(String)], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  })
  leash.on('error', () => {})
  leash.unref()
  return leash
}

/** "ended with code 1", "was ended by SIGKILL", "could not start: …" */
export function describeExit(exit: Exit): string {
  if (exit.problem !== null) return `could not start: ${exit.problem}`
  return exit.signal === null ? `ended with code ${exit.code}` : `was ended by ${exit.signal}`
}
