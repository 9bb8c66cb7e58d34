/** Watches the arguments and the environment of all processes of this machine, as `ps` shows them. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { TestContext } from 'node:test'

type Seen = { found: 'cmdline' | 'environ'; program: string }

/**
 * `stop` resolves with the processes that have shown `text`, with the number of those that had `witness` in their
 * arguments, and with how often the list was read.
 */
export async function watchProcessList(
  t: TestContext,
  text: string,
  witness: string,
): Promise<{ stop(): Promise<{ seen: Seen[]; witnesses: number; rounds: number }> }> {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'watch.ts')], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  t.after(() => child.kill('SIGKILL'))
  const lines: string[] = []
  const reader = createInterface({ input: child.stdout })
  const ready = once(reader, 'line')
  const failed = new Promise<never>((_, reject) => {
    child.on('exit', (code) => code !== 0 && reject(new Error(`the watch ended with ${code}`)))
  })
  failed.catch(() => {})
  reader.on('line', (line) => lines.push(line))
  child.stdin.write(`${JSON.stringify({ text, witness })}\n`)
  await Promise.race([ready, failed])
  return {
    async stop() {
      const closed = once(reader, 'close')
      child.stdin.end()
      await Promise.race([closed, failed])
      const messages = lines.filter((line) => line !== 'ready').map((line) => JSON.parse(line))
      const { rounds, witnesses } = messages.pop()
      return { seen: messages, rounds, witnesses }
    },
  }
}
