/** Which processes run on this machine right now, told by their arguments. */
import { readdirSync, readFileSync } from 'node:fs'

/** The control scripts called with `--name <name>`. */
export const findScriptProcesses = (name: string): number[] => findProcessesByArguments(`\0--name\0${name}\0`)

/** Those with these words among their arguments, which are separated by NUL. */
export function findProcessesByArguments(text: string): number[] {
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry) && readCommandLine(entry).includes(text))
    .map(Number)
}

/** Empty when the process has gone meanwhile. */
function readCommandLine(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8')
  } catch {
    return ''
  }
}
