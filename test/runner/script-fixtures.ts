/**
 * Runs the scripts of test/scripts and checks whether processes are alive. Used by the tests of runner/process and
 * runner/output.
 */
import { readFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { collectOutput, type ProcessRequest } from '../../runner/process/process.ts'

export const fixturePath = (name: string) => fileURLToPath(new URL(`../scripts/${name}`, import.meta.url))

export const minimalEnvironment = { PATH: `${dirname(process.execPath)}:/usr/local/bin:/usr/bin:/bin` }

export const fixtureRequest = (
  name: string,
  args: string[] = [],
  more: Partial<ProcessRequest> = {},
): ProcessRequest => ({
  file: fixturePath(name),
  args,
  env: minimalEnvironment,
  timeoutMs: 20_000,
  killGraceMs: 300,
  ...more,
})

/** Runs a script and returns its result and output. */
export const runFixture = (...request: Parameters<typeof fixtureRequest>) =>
  collectOutput(fixtureRequest(...request), 100_000)

/** The arguments that `prints-arguments` received. */
export async function receivedArguments(
  args: string[],
  more: Partial<ProcessRequest> = {},
): Promise<string[]> {
  const { stdout } = await runFixture('output/prints-arguments', args, more)
  return stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as string)
}

/** False for a zombie. */
export function isProcessAlive(pid: number): boolean {
  if (!Number.isSafeInteger(pid) || pid <= 1) throw new Error(`not a process: ${pid}`)
  try {
    process.kill(pid, 0)
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    return !/^ [ZX]/.test(stat.slice(stat.lastIndexOf(')') + 1))
  } catch {
    return false
  }
}

export async function waitFor(condition: () => boolean, timeoutMs = 20_000): Promise<void> {
  const endMs = performance.now() + timeoutMs
  while (!condition()) {
    if (performance.now() > endMs) throw new Error(`not within ${timeoutMs} ms: ${condition}`)
    await sleep(10)
  }
}

/** Ends a process that a script has left running on purpose. */
export function killLeftover(pid: number): void {
  if (isProcessAlive(pid)) process.kill(pid, 'SIGKILL')
}
