/** A piece of work in a process of its own, asked one question at a time over the channel of fork. */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import type { Bench } from './bench.ts'

export type WorkerProcess = { pid: number; run(question: unknown): Promise<unknown> }

/** `file`: below test/bench; it calls answerMain. */
export function startWorkerProcess(bench: Bench, file: string): WorkerProcess {
  const child = fork(join(import.meta.dirname, '..', file), {
    execArgv: ['--expose-gc'],
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
  bench.onClose(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return
    const exited = once(child, 'exit')
    child.kill('SIGTERM')
    await exited
  })
  return {
    pid: child.pid ?? -1,
    run: (question) =>
      new Promise((resolve, reject) => {
        const ended = () => reject(new Error(`${file} ended`))
        child.once('exit', ended)
        child.once('message', (replied: { answer?: unknown; error?: string }) => {
          child.off('exit', ended)
          if (replied.error === undefined) resolve(replied.answer)
          else reject(new Error(`${file}: ${replied.error}`))
        })
        child.send(question as object)
      }),
  }
}
