/** The baseline of checks: a process that only spawns a script, several at the same time. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { serveTasks } from '../harness/serve-tasks.ts'

type Task = { file: string; concurrency: number; ms: number }

serveTasks(async ({ file, concurrency, ms }: Task) => {
  const until = performance.now() + ms
  const args = ['--project-name', 'octopod', '--base-domain', 'localhost', '--namespace', 'default']
  const lane = async () => {
    while (performance.now() < until) {
      const child = spawn(file, [...args, '--name', 'd-1'], {
        env: { PATH: process.env.PATH ?? '', HOME: process.env.HOME ?? '' },
        stdio: ['ignore', 'pipe', 'pipe'],
        detached: true,
      })
      for (const pipe of [child.stdout, child.stderr]) pipe.resume()
      await once(child, 'close')
    }
  }
  await Promise.all(Array.from({ length: concurrency }, lane))
  return null
})
