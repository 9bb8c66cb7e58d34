/**
 * Processes of an earlier `npm start` that was killed before it could stop them: written down while they run,
 * ended at the next start, so that it finds its ports and folders free.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { pollUntil } from '../../../lib/node/poll-until.ts'
import { processIdentity } from '../../../lib/node/process-identity.ts'
import type { RunningProgram } from '../../../lib/node/spawn-program.ts'

type ProcessRecord = { name: string; pid: number; identity: string | null; signal: NodeJS.Signals }

const stopTimeoutMs = 20_000

/** Writes down who runs now, oldest first. */
export function recordProcesses(file: string, children: readonly RunningProgram[]): void {
  const records = children.map(({ name, pid, stopSequence }): ProcessRecord => {
    return { name, pid, identity: processIdentity(pid), signal: stopSequence[0]?.signal ?? 'SIGTERM' }
  })
  try {
    writeFileSync(file, JSON.stringify(records), { mode: 0o600 })
  } catch {
    // A full disk: orphan guards end them all the same when we are killed.
  }
}

/** Ends who is left of an earlier start, newest first, and only who is certainly the same process. */
export async function stopOrphans(file: string, print: (line: string) => void): Promise<void> {
  for (const { name, pid, identity, signal } of readRecords(file).toReversed()) {
    const hasEnded = () => identity === null || processIdentity(pid) !== identity
    if (hasEnded()) continue
    print(`${name} of an earlier start still runs (process ${pid}); it is stopped first.`)
    sendSignal(pid, signal)
    if (await pollUntil(hasEnded, { timeoutMs: stopTimeoutMs })) continue
    sendSignal(pid, 'SIGKILL')
    await pollUntil(hasEnded, { timeoutMs: 5_000 })
  }
}

function readRecords(file: string): ProcessRecord[] {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as ProcessRecord[]
  } catch {
    return []
  }
}

function sendSignal(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch {
    // It went by itself.
  }
}
