/** Which control scripts of a deployment run on this machine right now, told by their arguments. */
import { readdirSync, readFileSync } from 'node:fs'

/** The command lines of scripts called with `--name <name>`. */
export function scriptsOf(name: string): string[] {
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .map((pid) => commandLine(pid))
    .filter((line) => line.includes(`\0--name\0${name}\0`))
}

/** Empty when the process has gone meanwhile. */
function commandLine(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8')
  } catch {
    return ''
  }
}
