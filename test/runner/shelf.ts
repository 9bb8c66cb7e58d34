/**
 * The shelf of scripts and what tests of processes need: a plain environment, waiting for a fact, looking whether a
 * process lives. Called by the tests in this folder.
 */
import { readFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

export const shelf = (name: string) => fileURLToPath(new URL(`../scripts/${name}`, import.meta.url))

export const plainEnvironment = { PATH: `${dirname(process.execPath)}:/usr/local/bin:/usr/bin:/bin` }

/** A zombie does not live: it only waits to be counted. */
export function lives(pid: number): boolean {
  if (!Number.isSafeInteger(pid) || pid <= 1) throw new Error(`not a process: ${pid}`)
  try {
    process.kill(pid, 0)
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    return !/^ [ZX]/.test(stat.slice(stat.lastIndexOf(')') + 1))
  } catch {
    return false
  }
}

export async function until(fact: () => boolean, limitMs = 5000): Promise<void> {
  const endMs = performance.now() + limitMs
  while (!fact()) {
    if (performance.now() > endMs) throw new Error(`not within ${limitMs} ms: ${fact}`)
    await sleep(10)
  }
}

/** Ends what a script of the shelf left running on purpose. */
export function endLeftOver(pid: number): void {
  if (lives(pid)) process.kill(pid, 'SIGKILL')
}
