/**
 * Ends a script and everything it has started: sends TERM, waits for the grace, sends KILL, and waits until no
 * process is left. Called by process.ts, which starts each script in a process group of its own, and by orphans.ts.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { ProcessTree } from './process-tree.ts'

export type TerminationReason = 'timedOut' | 'cancelled' | 'interrupted'

export type Termination = {
  /** The first reason of `start`; null before. */
  readonly reason: TerminationReason | null
  /** Sends TERM to the tree, and KILL after the grace. Later calls change nothing. */
  start(reason: TerminationReason): void
  /** Sends TERM again after `start`, for a script that did not exist yet when TERM was sent. */
  resend(): void
  /** Resolves when the script does not end even after KILL, e.g. because it hangs in the kernel. */
  readonly killFailed: Promise<'stuck'>
  /** Must be called when the script itself has ended. After `start` it resolves when the whole tree has ended. */
  waitForTree(): Promise<void>
}

/** The wait after KILL, before the script counts as stuck in the kernel. */
const killTimeoutMs = 2000
/** The processes are read often at first, then less often. */
const firstPollMs = 10
const confirmDelayMs = 20
const lastPollMs = 200

export function createTermination(tree: ProcessTree, killGraceMs: number): Termination {
  let reason: TerminationReason | null = null
  let exited = false
  let killAtMs = Number.POSITIVE_INFINITY
  let timer: NodeJS.Timeout | undefined
  const killFailed = Promise.withResolvers<'stuck'>()

  const killTree = () => {
    void tree.signal('SIGKILL')
    timer = setTimeout(() => killFailed.resolve('stuck'), killTimeoutMs)
  }

  return {
    get reason() {
      return reason
    },
    killFailed: killFailed.promise,
    start(newReason) {
      if (exited || reason !== null) return
      reason = newReason
      killAtMs = performance.now() + killGraceMs
      // A stopped process receives TERM only after CONT.
      void tree.signal('SIGTERM', 'SIGCONT')
      timer = setTimeout(killTree, killGraceMs)
    },
    resend() {
      if (!exited && reason !== null) void tree.signal('SIGTERM')
    },
    async waitForTree() {
      exited = true
      tree.scriptEnded()
      clearTimeout(timer)
      if (reason === null) return
      for (let pollMs = firstPollMs; !(await isTreeGone(tree)); pollMs = Math.min(pollMs * 2, lastPollMs)) {
        const remainingMs = killAtMs - performance.now()
        // Repeated, because a process may fork between two reads of the process list.
        if (remainingMs <= 0) await tree.signal('SIGKILL')
        if (remainingMs < -killTimeoutMs) return
        await sleep(remainingMs > 0 ? Math.min(pollMs, remainingMs) : firstPollMs)
      }
    },
  }
}

/** Checks twice: a process that is forking or executing another program may be missing once. */
async function isTreeGone(tree: ProcessTree): Promise<boolean> {
  if (await tree.isAlive()) return false
  await sleep(confirmDelayMs)
  return !(await tree.isAlive())
}
