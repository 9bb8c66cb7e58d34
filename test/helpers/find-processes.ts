/** Finds processes of this machine by their arguments. */
import { readdirSync, readFileSync } from 'node:fs'

/** The control scripts that run with `--name <name>`. */
export const findScriptProcesses = (name: string): number[] => findProcessesByArguments(`\0--name\0${name}\0`)

/** The processes whose command line contains the text. A NUL separates arguments. */
export function findProcessesByArguments(text: string): number[] {
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry) && readCommandLine(entry).includes(text))
    .map(Number)
}

/** Empty when the process has ended. */
function readCommandLine(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8')
  } catch {
    return ''
  }
}

/** The children of a process whose arguments contain this text. */
export const findChildProcesses = (parent: number, text: string): number[] =>
  findProcessesByArguments(text).filter((pid) => parentOf(pid) === parent)

/** Leaves out the children of others: a process that a shell has just forked has the arguments of the shell. */
export const withoutForks = (pids: readonly number[]): number[] =>
  pids.filter((pid) => !pids.includes(parentOf(pid)))

/** NaN when the process has ended. */
function parentOf(pid: number): number {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1])
  } catch {
    return Number.NaN
  }
}
