/**
 * The shelf of scripts and what tests of processes need: a plain environment, waiting for a fact, looking whether a
 * process lives. Called by the tests in this folder.
 */
import { readFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { collect, type ProcessRequest } from '../../runner/process.ts'

export const shelf = (name: string) => fileURLToPath(new URL(`../scripts/${name}`, import.meta.url))

export const plainEnvironment = { PATH: `${dirname(process.execPath)}:/usr/local/bin:/usr/bin:/bin` }

export const requestOf = (
  name: string,
  args: string[] = [],
  more: Partial<ProcessRequest> = {},
): ProcessRequest => ({
  file: shelf(name),
  args,
  env: plainEnvironment,
  timeoutMs: 20_000,
  killGraceMs: 300,
  ...more,
})

/** Runs one to its end; with what it printed. */
export const ask = (...asked: Parameters<typeof requestOf>) => collect(requestOf(...asked), 100_000)

/** What `prints-arguments` was given. */
export async function argumentsSeen(args: string[], more: Partial<ProcessRequest> = {}): Promise<string[]> {
  const { stdout } = await ask('prints-arguments', args, more)
  return stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as string)
}

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
