/** One `npm start` at a time on one OCTOPOD_HOME: a file names the process that has it. */
import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { processIdentity } from '../../lib/node/process-identity.ts'
import { UserError } from './user-error.ts'

/** Takes the lock and returns what gives it back. @throws Problem when a living process has it. */
export function acquireLock(file: string, dataDirPath: string): () => void {
  const owner = `${process.pid} ${processIdentity(process.pid)}`
  const tempFile = `${file}.${process.pid}`
  try {
    writeFileSync(tempFile, owner, { mode: 0o600 })
    for (;;) {
      try {
        // A link appears whole or not at all, and never over another file.
        linkSync(tempFile, file)
        return () => {
          if (read(file) === owner) rmSync(file, { force: true })
        }
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
      }
      const holder = read(file)
      if (holder !== null && isAlive(holder)) throwAlreadyRunning(holder, dataDirPath)
      if (holder !== null) removeStaleLock(file, holder, dataDirPath)
    }
  } finally {
    rmSync(tempFile, { force: true })
  }
}

/** Moves a dead process's lock away; should a living one have come in between, it gets its lock back. */
function removeStaleLock(file: string, holder: string, dataDirPath: string): void {
  const stalePath = `${file}.${process.pid}.stale`
  try {
    renameSync(file, stalePath)
  } catch {
    return
  }
  const moved = read(stalePath)
  if (moved !== null && moved !== holder && isAlive(moved)) {
    linkSync(stalePath, file)
    rmSync(stalePath, { force: true })
    throwAlreadyRunning(moved, dataDirPath)
  }
  rmSync(stalePath, { force: true })
}

function throwAlreadyRunning(holder: string, dataDirPath: string): never {
  throw new UserError(
    `Octopod runs already on ${dataDirPath} (process ${holder.split(' ')[0]}): stop that one with Ctrl-C, or give this one ` +
      'another OCTOPOD_HOME and PORT.',
  )
}

function isAlive(holder: string): boolean {
  const separator = holder.indexOf(' ')
  return processIdentity(Number(holder.slice(0, separator))) === holder.slice(separator + 1)
}

function read(file: string): string | null {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return null
  }
}
