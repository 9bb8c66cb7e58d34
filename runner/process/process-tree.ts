/**
 * The processes of one script: those of its group, and those that left it (setsid) but still carry its mark in
 * their environment. Called by terminate.ts; signals nobody else.
 */
import { readdirSync, readFileSync } from 'node:fs'

/** In the environment of every script, inherited by whatever it starts. A script that clears its environment and
 * leaves its group is out of reach. */
export const markerVariable = 'OCTOPOD_PROCESS'

export type ProcessTree = { pid: number; marker: string }

/** Returns whether anybody was there to get it. */
export function signalTree(tree: ProcessTree, signal: NodeJS.Signals): boolean {
  // First the group, at once and whole: nobody in it can fork out of the way.
  const group = sendSignal(-tree.pid, signal)
  const outsideGroup = treeMembers(tree).filter((each) => each.group !== tree.pid)
  return outsideGroup.map(({ pid }) => sendSignal(pid, signal)).includes(true) || group
}

/** Zombies do not count: they run nothing, and who should reap them may be slow. */
export function isTreeAlive(tree: ProcessTree): boolean {
  return treeMembers(tree).length > 0 || (!canReadProc() && sendSignal(-tree.pid, 0))
}

/** Not on other systems than Linux, nor when this process can open no file: then the group is all that is known of a tree. */
const canReadProc = () => readOrEmpty('/proc/self/stat') !== ''

function treeMembers({ pid: group, marker }: ProcessTree): { pid: number; group: number }[] {
  const markerEntry = `${markerVariable}=${marker}\0`
  return listProcEntries()
    .filter((entry) => /^\d+$/.test(entry))
    .map((pid) => ({ pid: Number(pid), ...readStat(pid) }))
    .filter(
      (each) =>
        each.isAlive &&
        (each.group === group || readOrEmpty(`/proc/${each.pid}/environ`).includes(markerEntry)),
    )
}

function listProcEntries(): string[] {
  try {
    return readdirSync('/proc')
  } catch {
    return []
  }
}

/** /proc/PID/stat: `pid (name) state parent group …`; the name may hold spaces and brackets. */
function readStat(pid: string): { isAlive: boolean; group: number } {
  const stat = readOrEmpty(`/proc/${pid}/stat`)
  const [state, , group] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return { isAlive: stat !== '' && state !== 'Z' && state !== 'X', group: Number(group) }
}

/** Empty when the process is gone or belongs to somebody else. */
function readOrEmpty(path: string): string {
  try {
    return readFileSync(path, 'latin1')
  } catch {
    return ''
  }
}

function sendSignal(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(pid, signal)
  } catch {
    return false
  }
}
