/** The floor of checks: one process that does nothing but spawn a script, so many side by side, for so long. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { serveWorker } from './worker.ts'

type Asked = { file: string; sideBySide: number; ms: number }

serveWorker(async ({ file, sideBySide, ms }: Asked) => {
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
  await Promise.all(Array.from({ length: sideBySide }, lane))
  return null
})
