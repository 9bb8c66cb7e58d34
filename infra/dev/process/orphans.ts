/**
 * Stops processes of an earlier `npm start` that was killed. processes.json lists the running processes, and the next
 * start stops those that remain, so that ports and folders are free. Called by process-manager.ts and start-all.ts.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { pollUntil } from '../../../lib/node/poll-until.ts'
import { processIdentity } from '../../../lib/node/process-identity.ts'
import type { RunningProgram } from '../../../lib/node/spawn-program.ts'

type ProcessRecord = { name: string; pid: number; identity: string | null; signal: NodeJS.Signals }

const stopTimeoutMs = 20_000

/** Writes the running processes to the file, oldest first. */
export function recordProcesses(file: string, programs: readonly RunningProgram[]): void {
  const records = programs.map(({ name, pid, stopSequence }): ProcessRecord => {
    return { name, pid, identity: processIdentity(pid), signal: stopSequence[0]?.signal ?? 'SIGTERM' }
  })
  try {
    writeFileSync(file, JSON.stringify(records), { mode: 0o600 })
  } catch {
    // On a full disk, the orphan guards still stop the processes.
  }
}

/** Stops the recorded processes, newest first. Skips a process id that another process has now. */
export async function stopOrphans(file: string, print: (line: string) => void): Promise<void> {
  for (const { name, pid, identity, signal } of readRecords(file).toReversed()) {
    const hasEnded = () => identity === null || processIdentity(pid) !== identity
    if (hasEnded()) continue
    print(`${name} of an earlier start still runs (process ${pid}); it is stopped now.`)
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
    // The process has already ended.
  }
}
