/**
 * Ends a process that leads its own process group, together with the group: a sequence of signals to the
 * process, then SIGKILL to the group. The orphan guard does the same when the process that started it is
 * gone. Called by spawn-program.ts and the bench.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { withTimeout } from '../with-timeout.ts'

/**
 * Signals to end a process, each with the time it has before the next one. SIGKILL to the process group comes
 * last.
 */
export type StopSequence = readonly { signal: NodeJS.Signals; waitMs: number }[]

/** Resolves when the process has exited. `exited` settles at its exit. */
export async function endProcessTree(
  child: ChildProcess,
  exited: Promise<unknown>,
  stopSequence: StopSequence,
): Promise<void> {
  let running = true
  const ended = exited.then(() => {
    running = false
  })
  for (const { signal, waitMs } of stopSequence) {
    if (!running) return
    child.kill(signal)
    await withTimeout(ended, waitMs, () => {})
  }
  if (running && child.pid !== undefined) {
    killProcessGroup(child.pid)
    // A child that does not lead a group.
    child.kill('SIGKILL')
  }
  await ended
}

/** `pid` leads the group. */
export function killProcessGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL')
  } catch {
    // The group has no process left.
  }
}

/**
 * The guard reads from a pipe whose other end this process holds. When this process dies, the pipe closes,
 * and the guard sends the stop sequence. SIGCONT follows each signal, because a stopped process does not
 * receive SIGTERM. Arguments: the process id, then each signal and its wait in tenths of a second.
 */
const orphanGuardScript = `
pid=$1; shift
read -r _
while [ $# -gt 1 ]; do
  kill -s "$1" "$pid" 2>/dev/null || exit
  kill -s CONT "$pid" 2>/dev/null
  left=$2; shift 2
  while [ "$left" -gt 0 ] && kill -0 "$pid" 2>/dev/null; do sleep 0.1; left=$((left - 1)); done
done
kill -0 "$pid" 2>/dev/null && kill -s KILL -- "-$pid"`

/** Starts the guard of a process. Kill it with SIGKILL when the process has exited. */
export function startOrphanGuard(pid: number, stopSequence: StopSequence): ChildProcess {
  const signals = stopSequence.flatMap(({ signal, waitMs }) => [
    signal.replace('SIG', ''),
    Math.ceil(waitMs / 100),
  ])
  const args = ['-c', orphanGuardScript, 'orphan-guard', ...[pid, ...signals].map(String)]
  const guard = spawn('/bin/sh', args, { detached: true, stdio: ['pipe', 'ignore', 'ignore'] })
  guard.on('error', () => {})
  guard.unref()
  return guard
}
