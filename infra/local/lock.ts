/** One `npm start` at a time on one OCTOPOD_HOME: a file names the process that has it. */
import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { processIdentity } from './identity.ts'
import { Problem } from './problem.ts'

/** Takes the lock and returns what gives it back. @throws Problem when a living process has it. */
export function takeLock(file: string, home: string): () => void {
  const mine = `${process.pid} ${processIdentity(process.pid)}`
  const draft = `${file}.${process.pid}`
  try {
    writeFileSync(draft, mine, { mode: 0o600 })
    for (;;) {
      try {
        // A link appears whole or not at all, and never over another file.
        linkSync(draft, file)
        return () => {
          if (read(file) === mine) rmSync(file, { force: true })
        }
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
      }
      const held = read(file)
      if (held !== null && isAlive(held)) refuse(held, home)
      if (held !== null) removeStale(file, held, home)
    }
  } finally {
    rmSync(draft, { force: true })
  }
}

/** Moves a dead process's lock away; should a living one have come in between, it gets its lock back. */
function removeStale(file: string, held: string, home: string): void {
  const aside = `${file}.${process.pid}.stale`
  try {
    renameSync(file, aside)
  } catch {
    return
  }
  const moved = read(aside)
  if (moved !== null && moved !== held && isAlive(moved)) {
    linkSync(aside, file)
    rmSync(aside, { force: true })
    refuse(moved, home)
  }
  rmSync(aside, { force: true })
}

function refuse(held: string, home: string): never {
  throw new Problem(
    `Octopod runs already on ${home} (process ${held.split(' ')[0]}): stop that one with Ctrl-C, or give this one ` +
      'another OCTOPOD_HOME and PORT.',
  )
}

function isAlive(held: string): boolean {
  const at = held.indexOf(' ')
  return processIdentity(Number(held.slice(0, at))) === held.slice(at + 1)
}

function read(file: string): string | null {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return null
  }
}
