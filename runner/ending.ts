/**
 * Ends a script with everything it started: asks with TERM, waits, kills, and sees to it that all are gone.
 * Called by process.ts, which gave the script a group of its own; hands signals to tree.ts.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { signalTree, type Tree, treeLives } from './tree.ts'

export type Reason = 'timedOut' | 'cancelled' | 'interrupted'

export type Ending = {
  /** The first reason given; null as long as the script may end by itself. */
  readonly reason: Reason | null
  /** Asks the tree to end, and kills it after the grace; later calls change nothing. */
  begin(reason: Reason): void
  /** Asks once more, if it was asked to: who was to hear it was not there yet. */
  remind(): void
  /** Resolves when even KILL did not make the script end, e.g. because it hangs in the kernel. */
  readonly stuck: Promise<'stuck'>
  /** To be called when the script itself has ended: resolves when its tree is gone too, if it was asked to end. */
  finish(): Promise<void>
}

/** Between KILL and giving up on what the kernel does not let go. */
const killedMs = 2000
/** Looking at all processes costs a millisecond or so: look soon, then less often. */
const firstPollMs = 10
const betweenLooksMs = 20
const lastPollMs = 200

export function createEnding(tree: Tree, killGraceMs: number): Ending {
  let reason: Reason | null = null
  let exited = false
  let killAtMs = Number.POSITIVE_INFINITY
  let timer: NodeJS.Timeout | undefined
  const stuck = Promise.withResolvers<'stuck'>()

  const kill = () => {
    signalTree(tree, 'SIGKILL')
    timer = setTimeout(() => stuck.resolve('stuck'), killedMs)
  }

  return {
    get reason() {
      return reason
    },
    stuck: stuck.promise,
    begin(why) {
      if (exited || reason !== null) return
      reason = why
      killAtMs = performance.now() + killGraceMs
      signalTree(tree, 'SIGTERM')
      // One that is stopped hears TERM only when it goes on.
      signalTree(tree, 'SIGCONT')
      timer = setTimeout(kill, killGraceMs)
    },
    remind() {
      if (!exited && reason !== null) signalTree(tree, 'SIGTERM')
    },
    async finish() {
      exited = true
      clearTimeout(timer)
      if (reason === null) return
      // As long as one of the group is left, the kernel gives its number to no other: KILL hits no stranger.
      for (let pollMs = firstPollMs; !(await isGone(tree)); pollMs = Math.min(pollMs * 2, lastPollMs)) {
        const leftMs = killAtMs - performance.now()
        // Again and again: what was forked between two looks must not get away.
        if (leftMs <= 0) signalTree(tree, 'SIGKILL')
        if (leftMs < -killedMs) return
        await sleep(leftMs > 0 ? Math.min(pollMs, leftMs) : firstPollMs)
      }
    },
  }
}

/** Who is just being made, or turns into another program, may escape one look at all processes, not two. */
async function isGone(tree: Tree): Promise<boolean> {
  if (treeLives(tree)) return false
  await sleep(betweenLooksMs)
  return !treeLives(tree)
}
