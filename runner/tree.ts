/**
 * The processes of one script: those of its group, and those that left it (setsid) but still carry its mark in
 * their environment. Called by ending.ts; signals nobody else.
 */
import { readdirSync, readFileSync } from 'node:fs'

/** In the environment of every script, inherited by whatever it starts. A script that clears its environment and
 * leaves its group is out of reach. */
export const markName = 'OCTOPOD_PROCESS'

export type Tree = { pid: number; mark: string }

/** Returns whether anybody was there to get it. */
export function signalTree(tree: Tree, signal: NodeJS.Signals): boolean {
  // First the group, at once and whole: nobody in it can fork out of the way.
  const group = send(-tree.pid, signal)
  const strays = members(tree).filter((each) => each.group !== tree.pid)
  return strays.map(({ pid }) => send(pid, signal)).includes(true) || group
}

/** Zombies do not count: they run nothing, and who should reap them may be slow. */
export function treeLives(tree: Tree): boolean {
  return members(tree).length > 0 || (!canLook() && send(-tree.pid, 0))
}

/** Not on other systems than Linux, nor when this process can open no file: then the group is all that is known of a tree. */
const canLook = () => read('/proc/self/stat') !== ''

function members({ pid: group, mark }: Tree): { pid: number; group: number }[] {
  const marked = `${markName}=${mark}\0`
  return processes()
    .filter((entry) => /^\d+$/.test(entry))
    .map((pid) => ({ pid: Number(pid), ...standing(pid) }))
    .filter(
      (each) => each.alive && (each.group === group || read(`/proc/${each.pid}/environ`).includes(marked)),
    )
}

function processes(): string[] {
  try {
    return readdirSync('/proc')
  } catch {
    return []
  }
}

/** /proc/PID/stat: `pid (name) state parent group …`; the name may hold spaces and brackets. */
function standing(pid: string): { alive: boolean; group: number } {
  const stat = read(`/proc/${pid}/stat`)
  const [state, , group] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return { alive: stat !== '' && state !== 'Z' && state !== 'X', group: Number(group) }
}

/** Empty when the process is gone or belongs to somebody else. */
function read(path: string): string {
  try {
    return readFileSync(path, 'latin1')
  } catch {
    return ''
  }
}

function send(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(pid, signal)
  } catch {
    return false
  }
}
