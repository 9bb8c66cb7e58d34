/**
 * Ends a script with everything it started: asks with TERM, waits, kills, and sees to it that all are gone.
 * Called by process.ts, which gave the script a group of its own; hands signals to key-tree.ts.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { isTreeAlive, type ProcessTree, signalTree } from './process-tree.ts'

export type TerminationReason = 'timedOut' | 'cancelled' | 'interrupted'

export type Termination = {
  /** The first reason given; null as long as the script may end by itself. */
  readonly reason: TerminationReason | null
  /** Asks the tree to end, and kills it after the grace; later calls change nothing. */
  start(reason: TerminationReason): void
  /** Asks once more, if it was asked to: who was to hear it was not there yet. */
  resend(): void
  /** Resolves when even KILL did not make the script end, e.g. because it hangs in the kernel. */
  readonly killFailed: Promise<'stuck'>
  /** To be called when the script itself has ended: resolves when its tree is gone too, if it was asked to end. */
  waitForTree(): Promise<void>
}

/** Between KILL and giving up on what the kernel does not let go. */
const killTimeoutMs = 2000
/** Looking at all processes costs a millisecond or so: look soon, then less often. */
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
    signalTree(tree, 'SIGKILL')
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
      signalTree(tree, 'SIGTERM')
      // One that is stopped hears TERM only when it goes on.
      signalTree(tree, 'SIGCONT')
      timer = setTimeout(killTree, killGraceMs)
    },
    resend() {
      if (!exited && reason !== null) signalTree(tree, 'SIGTERM')
    },
    async waitForTree() {
      exited = true
      clearTimeout(timer)
      if (reason === null) return
      // As long as one of the group is left, the kernel gives its number to no other: KILL hits no stranger.
      for (let pollMs = firstPollMs; !(await isTreeGone(tree)); pollMs = Math.min(pollMs * 2, lastPollMs)) {
        const remainingMs = killAtMs - performance.now()
        // Again and again: what was forked between two looks must not get away.
        if (remainingMs <= 0) signalTree(tree, 'SIGKILL')
        if (remainingMs < -killTimeoutMs) return
        await sleep(remainingMs > 0 ? Math.min(pollMs, remainingMs) : firstPollMs)
      }
    },
  }
}

/** Who is just being made, or turns into another program, may escape one look at all processes, not two. */
async function isTreeGone(tree: ProcessTree): Promise<boolean> {
  if (isTreeAlive(tree)) return false
  await sleep(confirmDelayMs)
  return !isTreeAlive(tree)
}
