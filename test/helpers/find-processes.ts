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
export function findChildProcesses(parent: number, text: string): number[] {
  return findProcessesByArguments(text).filter((pid) => {
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
      return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]) === parent
    } catch {
      return false
    }
  })
}
