/**
 * Ends a script with all processes of its group: asks with TERM, waits, kills, and sees to it that they are gone.
 * Called by process.ts, which gave the script a group of its own.
 */
import { setTimeout as sleep } from 'node:timers/promises'

export type Reason = 'timedOut' | 'cancelled' | 'interrupted'

export type Ending = {
  /** The first reason given; null when the script may end by itself. */
  readonly reason: Reason | null
  /** Asks the group to end and sees it killed after the grace; later calls change nothing. */
  begin(reason: Reason): void
  /** Resolves when even KILL did not make the script end (e.g. it hangs in the kernel). */
  readonly stuck: Promise<'stuck'>
  /** To be called when the script has ended: resolves when its group is gone too, if it was asked to end. */
  finish(): Promise<void>
}

/** Between KILL and giving up on a process the kernel does not let go. */
const killedMs = 2000
const pollMs = 20

export function createEnding(pid: number, killGraceMs: number): Ending {
  let reason: Reason | null = null
  let ended = false
  let killed = false
  let killTimer: NodeJS.Timeout | undefined
  let stuckTimer: NodeJS.Timeout | undefined
  const stuck = Promise.withResolvers<'stuck'>()

  const kill = () => {
    killed = true
    signalGroup(pid, 'SIGKILL')
    stuckTimer = setTimeout(() => stuck.resolve('stuck'), killedMs)
  }

  return {
    get reason() {
      return reason
    },
    stuck: stuck.promise,
    begin(why) {
      if (ended || reason !== null) return
      reason = why
      signalGroup(pid, 'SIGTERM')
      // A stopped process hears TERM only when it goes on.
      signalGroup(pid, 'SIGCONT')
      killTimer = setTimeout(kill, killGraceMs)
    },
    async finish() {
      ended = true
      // As long as one process of the group is left its number is not given to another, so KILL hits no stranger.
      while (reason !== null && !killed && groupLives(pid)) await sleep(pollMs)
      clearTimeout(killTimer)
      for (let waitedMs = 0; killed && waitedMs < killedMs && groupLives(pid); waitedMs += pollMs)
        await sleep(pollMs)
      clearTimeout(stuckTimer)
    },
  }
}

function signalGroup(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(-pid, signal)
  } catch {
    return false
  }
}

function groupLives(pid: number): boolean {
  return signalGroup(pid, 0)
}
