/** The load generator as seen from main: a process of its own, so that it shares no event loop with anybody. */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import type { TaskName, TaskRequest, TaskResponse, Tasks } from './tasks.ts'

export type LoadGenerator = {
  run<Name extends TaskName>(name: Name, given: Tasks[Name]['in']): Promise<Tasks[Name]['out']>
  stop(): Promise<void>
}

export function startLoadGenerator(): LoadGenerator {
  // Its end is our end: the channel closes with us, and then it leaves.
  const child = fork(join(import.meta.dirname, 'main.ts'), { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
  const waiting = new Map<number, (replied: TaskResponse) => void>()
  let count = 0
  let gone: Error | null = null
  child.on('message', (replied: TaskResponse) => waiting.get(replied.id)?.(replied))
  child.once('exit', (code, signal) => {
    gone = new Error(`the load generator ended (${code ?? signal})`)
    for (const [id, reply] of waiting) reply({ id, error: gone.message })
  })

  return {
    async run(name, given) {
      if (gone) throw gone
      count += 1
      const id = count
      const asked: TaskRequest = { id, name, given }
      const replied = await new Promise<TaskResponse>((resolve) => {
        waiting.set(id, resolve)
        child.send(asked)
      })
      waiting.delete(id)
      if (replied.error !== undefined) throw new Error(`${name}: ${replied.error}`)
      return replied.result as Tasks[typeof name]['out']
    },
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null) return
      const exited = once(child, 'exit')
      child.kill('SIGTERM')
      await exited
    },
  }
}
