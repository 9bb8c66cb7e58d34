/**
 * The processes of one script: those in its process group, and those that left the group (setsid) but still have its
 * marker in their environment. Called by terminate.ts.
 */
import { readdirSync, readFileSync } from 'node:fs'

/**
 * Set in the environment of every script and inherited by its children. A process that clears its environment and
 * leaves the group cannot be found; PID_NAMESPACE=own ends it nevertheless.
 */
export const markerVariable = 'OCTOPOD_PROCESS'

export type ProcessTree = { pid: number; marker: string }

/** Returns whether any process received the signal. */
export function signalTree(tree: ProcessTree, signal: NodeJS.Signals): boolean {
  // The group comes first: the kernel signals all of it at once, so no process in it can escape by forking.
  const group = sendSignal(-tree.pid, signal)
  const outsideGroup = treeMembers(tree).filter((member) => member.group !== tree.pid)
  return outsideGroup.map(({ pid }) => sendSignal(pid, signal)).includes(true) || group
}

/** Zombies do not count, because they run nothing and may wait long for their parent. */
export function isTreeAlive(tree: ProcessTree): boolean {
  return treeMembers(tree).length > 0 || (!canReadProc() && sendSignal(-tree.pid, 0))
}

/**
 * False on other systems than Linux, and when this process has no free file descriptor. Then only the group is known.
 */
const canReadProc = () => readOrEmpty('/proc/self/stat') !== ''

function treeMembers({ pid: group, marker }: ProcessTree): { pid: number; group: number }[] {
  const markerEntry = `${markerVariable}=${marker}\0`
  return listProcEntries()
    .filter((entry) => /^\d+$/.test(entry))
    .map((pid) => ({ pid: Number(pid), ...readStat(pid) }))
    .filter(
      (member) =>
        member.isAlive &&
        (member.group === group || readOrEmpty(`/proc/${member.pid}/environ`).includes(markerEntry)),
    )
}

function listProcEntries(): string[] {
  try {
    return readdirSync('/proc')
  } catch {
    return []
  }
}

/** /proc/PID/stat: `pid (name) state parent group …`. The name may contain spaces and brackets. */
function readStat(pid: string): { isAlive: boolean; group: number } {
  const stat = readOrEmpty(`/proc/${pid}/stat`)
  const [state, , group] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return { isAlive: stat !== '' && state !== 'Z' && state !== 'X', group: Number(group) }
}

/** Returns an empty text when the process has ended or belongs to another user. */
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
