/**
 * Processes of an earlier `npm start` that was killed before it could stop them: written down while they run,
 * ended at the next start, so that it finds its ports and folders free.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import type { Child } from './child.ts'
import { processIdentity } from './identity.ts'
import { waitUntil } from './wait.ts'

type Entry = { name: string; pid: number; identity: string | null; signal: NodeJS.Signals }

const patienceMs = 20_000

/** Writes down who runs now, oldest first. */
export function recordProcesses(file: string, children: readonly Child[]): void {
  const entries = children.map(({ name, pid, goodbye }): Entry => {
    return { name, pid, identity: processIdentity(pid), signal: goodbye[0]?.signal ?? 'SIGTERM' }
  })
  try {
    writeFileSync(file, JSON.stringify(entries), { mode: 0o600 })
  } catch {
    // A full disk: leashes end them all the same when we are killed.
  }
}

/** Ends who is left of an earlier start, newest first, and only who is certainly the same process. */
export async function endLeftovers(file: string, say: (line: string) => void): Promise<void> {
  for (const { name, pid, identity, signal } of readEntries(file).toReversed()) {
    const gone = () => identity === null || processIdentity(pid) !== identity
    if (gone()) continue
    say(`${name} of an earlier start still runs (process ${pid}); it is stopped first.`)
    send(pid, signal)
    if (await waitUntil(gone, { timeoutMs: patienceMs })) continue
    send(pid, 'SIGKILL')
    await waitUntil(gone, { timeoutMs: 5_000 })
  }
}

function readEntries(file: string): Entry[] {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Entry[]
  } catch {
    return []
  }
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch {
    // It went by itself.
  }
}
