/** Keeps a process up: started again when it dies, a few times with growing pauses, then given up. */
import { setTimeout as sleep } from 'node:timers/promises'
import { describeExit, type RunningProgram } from '../../../lib/node/spawn-program.ts'
import { lastOutputLines } from '../messages.ts'

/** Starts the process, tells of every child it spawns, and resolves with the lasting one when it is ready. */
export type StartProcess = (onSpawn: (program: RunningProgram) => void) => Promise<RunningProgram>

export type SupervisedProcess = {
  /** Rejects with what the first start throws. */
  ready: Promise<void>
  /** Ends it, also while it is coming up; it is not started again. */
  stop(): Promise<void>
}

export type RestartOptions = {
  /** Pauses before the attempts to start it again; after the last one it is given up. */
  restartDelaysMs?: readonly number[]
  /** A life as long as this makes earlier deaths forgotten. */
  stableAfterMs?: number
  onSpawn?: (program: RunningProgram) => void
  print: (line: string) => void
  onGiveUp: (why: string) => void
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
      program.exited.then(() => running.delete(program))
      options.onSpawn?.(program)
      if (stopping.signal.aborted) program.stop()
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
    // First a life, or an attempt at one: it ends in words.
    const startedAt = performance.now()
    const lines = await next().then(waitForEnd, (error: Error) => [error.message])
    if (stopping.aborted) return
    if (performance.now() - startedAt > stableAfterMs) failures = 0

    // Then another one, after a pause, unless there were too many.
    const delayMs = restartDelaysMs[failures]
    failures += 1
    if (delayMs === undefined)
      return onGiveUp([`${name} was started ${failures} times.`, ...lines].join('\n'))
    for (const line of [...lines, `${name} is started again.`]) print(line)
    await sleep(delayMs, null, { signal: stopping }).catch(() => null)
    if (stopping.aborted) return
    next = startOnce
  }
}

async function waitForEnd(program: RunningProgram): Promise<string[]> {
  const exit = await program.exited
  return [`${program.name} ${describeExit(exit)}; its last words:`, ...lastOutputLines(program)]
}
