/** All processes of one `npm start`: who is up, in which order they came, and how they go. */
import type { RunningProgram } from '../../../lib/node/spawn-program.ts'
import type { DataDir } from '../data-dir.ts'
import { UserError } from '../user-error.ts'
import { recordProcesses } from './orphans.ts'
import { type StartProcess, type SupervisedProcess, startWithRestart } from './restart.ts'

export type ProcessManager = {
  /** Starts one and keeps it up; resolves when it is ready. */
  start(name: string, start: StartProcess): Promise<void>
  /** To be told of processes that run to their end. */
  onSpawn(program: RunningProgram): void
  /** Rejects when one that should be up is given up. */
  failed: Promise<never>
  /** The last come goes first, each with its own patience. */
  stop(): Promise<void>
  kill(): void
}

export function createProcessManager(dataDir: DataDir, print: (line: string) => void): ProcessManager {
  const supervised: SupervisedProcess[] = []
  const running = new Set<RunningProgram>()
  const failed = Promise.withResolvers<never>()
  failed.promise.catch(() => {})
  let stopping = false
  const record = () => recordProcesses(dataDir.file('processes.json'), [...running])

  const onSpawn = (program: RunningProgram) => {
    running.add(program)
    record()
    program.exited.then(() => {
      running.delete(program)
      record()
    })
    if (stopping) program.stop()
  }
  return {
    onSpawn,
    failed: failed.promise,
    start: async (name, start) => {
      if (stopping) throw new UserError(`${name} is not started: everything is stopping.`)
      const onGiveUp = (why: string) => failed.reject(new UserError(why))
      const process = startWithRestart(name, start, { print, onGiveUp, onSpawn })
      supervised.push(process)
      await process.ready
    },
    stop: async () => {
      stopping = true
      for (const one of supervised.toReversed()) await one.stop()
      await Promise.all([...running].map((program) => program.stop()))
    },
    kill: () => {
      for (const program of running) program.kill()
    },
  }
}
