/** Starts, supervises and stops all processes of one `npm start`. Called by start-all.ts and datastores.ts. */
import type { RunningProgram } from '../../../lib/node/spawn-program.ts'
import type { DataDir } from '../data-dir.ts'
import { UserError } from '../user-error.ts'
import { recordProcesses } from './orphans.ts'
import { type StartProcess, type SupervisedProcess, startWithRestart } from './restart.ts'

export type ProcessManager = {
  /** Starts a process and restarts it when it dies; resolves when it is ready. */
  start(name: string, start: StartProcess): Promise<void>
  /** For processes that are not restarted, like the migration. */
  onSpawn(program: RunningProgram): void
  /** Rejects when a process died too often. */
  failed: Promise<never>
  /** Stops all processes in reverse order, each with its own stop sequence. */
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
    void program.exited.then(() => {
      running.delete(program)
      record()
    })
    if (stopping) void program.stop()
  }
  return {
    onSpawn,
    failed: failed.promise,
    start: async (name, start) => {
      if (stopping) throw new UserError(`${name} is not started, because everything is being stopped.`)
      const onGiveUp = (reason: string) => failed.reject(new UserError(reason))
      const process = startWithRestart(name, start, { print, onGiveUp, onSpawn })
      supervised.push(process)
      await process.ready
    },
    stop: async () => {
      stopping = true
      for (const process of supervised.toReversed()) await process.stop()
      await Promise.all([...running].map((program) => program.stop()))
    },
    kill: () => {
      for (const program of running) program.kill()
    },
  }
}
