/**
 * A lock file that allows one `npm start` per OCTOPOD_HOME. It contains the id of the process. Called by start-all.ts.
 */
import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { processIdentity } from '../../lib/node/process-identity.ts'
import { UserError } from './user-error.ts'

/** → the function that releases the lock. @throws UserError when a running process has the lock */
export function acquireLock(file: string, dataDirPath: string): () => void {
  const owner = `${process.pid} ${processIdentity(process.pid)}`
  const tempFile = `${file}.${process.pid}`
  try {
    writeFileSync(tempFile, owner, { mode: 0o600 })
    for (;;) {
      try {
        // Creating a hard link is atomic and never overwrites a file.
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

/** Moves the lock of a dead process away. If a running process took the lock in between, the lock is restored. */
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
    `Octopod already runs on ${dataDirPath} (process ${holder.split(' ')[0]}): stop it with Ctrl-C, or set another ` +
      'OCTOPOD_HOME and PORT.',
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
