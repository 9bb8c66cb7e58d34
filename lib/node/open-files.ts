/** How many files and connections the system lets this process have open. Used by the server. */
import { readFileSync } from 'node:fs'

/** Null: no limit, or a system that does not tell. Node has raised the soft limit to the hard one at its start. */
export function readOpenFilesLimit(): number | null {
  try {
    const [, soft] = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8')) ?? []
    return soft === undefined ? null : Number(soft)
  } catch {
    return null
  }
}
