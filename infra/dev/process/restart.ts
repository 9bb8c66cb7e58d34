/**
 * Restarts a process when it dies, a few times with growing delays, and then gives up. Called by process-manager.ts.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { describeExit, type RunningProgram } from '../../../lib/node/spawn-program.ts'
import { lastOutputLines } from '../messages.ts'

/** Starts the process. Calls `onSpawn` for every child process, and resolves with the lasting one when it is ready. */
export type StartProcess = (onSpawn: (program: RunningProgram) => void) => Promise<RunningProgram>

export type SupervisedProcess = {
  /** Rejects with the error of the first start. */
  ready: Promise<void>
  /** Stops it for good, also while it is starting. */
  stop(): Promise<void>
}

export type RestartOptions = {
  /** The delays before the restarts. After the last one, `onGiveUp` is called. */
  restartDelaysMs?: readonly number[]
  /** If a process ran for this time, earlier failures no longer count. */
  stableAfterMs?: number
  onSpawn?: (program: RunningProgram) => void
  print: (line: string) => void
  onGiveUp: (reason: string) => void
}

export function startWithRestart(
  name: string,
  start: StartProcess,
  options: RestartOptions,
): SupervisedProcess {
  const stopping = new AbortController()
  const running = new Set<RunningProgram>()
  const startOnce = () =>
    start((program) => {
      running.add(program)
      void program.exited.then(() => running.delete(program))
      options.onSpawn?.(program)
      if (stopping.signal.aborted) void program.stop()
    })
  const first = startOnce()
  const supervision = first.then(
    (program) => supervise(name, program, startOnce, stopping.signal, options),
    () => {},
  )
  return {
    ready: first.then(() => {}),
    stop: async () => {
      stopping.abort()
      await Promise.all([...running].map((program) => program.stop()))
      await supervision
    },
  }
}

async function supervise(
  name: string,
  first: RunningProgram,
  startOnce: () => Promise<RunningProgram>,
  stopping: AbortSignal,
  { restartDelaysMs = [500, 2_000, 5_000], stableAfterMs = 60_000, print, onGiveUp }: RestartOptions,
): Promise<void> {
  let next = async () => first
  let failures = 0
  for (;;) {
    // Wait until the process ends, or until its start fails.
    const startedAt = performance.now()
    const lines = await next().then(waitForEnd, (error: Error) => [error.message])
    if (stopping.aborted) return
    if (performance.now() - startedAt > stableAfterMs) failures = 0

    // Restart it after a delay, or give up.
    const delayMs = restartDelaysMs[failures]
    failures += 1
    if (delayMs === undefined)
      return onGiveUp([`${name} was started ${failures} times.`, ...lines].join('\n'))
    for (const line of [...lines, `${name} is restarted.`]) print(line)
    await sleep(delayMs, null, { signal: stopping }).catch(() => null)
    if (stopping.aborted) return
    next = startOnce
  }
}

async function waitForEnd(program: RunningProgram): Promise<string[]> {
  const exit = await program.exited
  return [`${program.name} ${describeExit(exit)}; its last output:`, ...lastOutputLines(program)]
}
