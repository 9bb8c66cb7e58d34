/**
 * Runs a part of the bench in a process of its own, so that it shares no event loop with the bench. The bench
 * sends tasks over the channel of fork; the file calls serveTasks.
 */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { endProcessTree } from '../../../lib/node/end-process-tree.ts'
import type { ResultMessage, TaskMessage } from './serve-tasks.ts'

export type WorkerProcess = {
  pid: number
  /** Rejects with the error of the task, or when the process ends. */
  run(task: unknown): Promise<unknown>
  stop(): Promise<void>
}

/** Starts a worker that ends with the benchmark. `file` is relative to test/bench. */
export function startWorkerProcess(
  bench: { onClose(close: () => Promise<unknown>): void },
  file: string,
): WorkerProcess {
  const worker = forkWorker(file, ['--expose-gc'])
  bench.onClose(worker.stop)
  return worker
}

export function forkWorker(file: string, nodeOptions: string[] = []): WorkerProcess {
  const child = fork(join(import.meta.dirname, '..', file), {
    execArgv: nodeOptions,
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
  const waiting = new Map<number, (message: ResultMessage) => void>()
  let taskCount = 0
  let exitError: string | null = null
  const exited = once(child, 'exit').then(([code, signal]) => {
    exitError = `${file} ended (${code ?? signal})`
    for (const [id, resolve] of waiting) resolve({ id, error: exitError })
  })
  child.on('message', (message: ResultMessage) => waiting.get(message.id)?.(message))
  return {
    pid: child.pid ?? -1,
    async run(task) {
      if (exitError !== null) throw new Error(exitError)
      taskCount += 1
      const id = taskCount
      const { result, error } = await new Promise<ResultMessage>((resolve) => {
        waiting.set(id, resolve)
        child.send({ id, task } satisfies TaskMessage)
      })
      waiting.delete(id)
      if (error !== undefined) throw new Error(`${file}: ${error}`)
      return result
    },
    stop: () => endProcessTree(child, exited, [{ signal: 'SIGTERM', waitMs: 10_000 }]),
  }
}
