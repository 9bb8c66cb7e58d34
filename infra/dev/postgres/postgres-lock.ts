/**
 * Removes the postmaster.pid of a killed PostgreSQL. PostgreSQL itself only tests whether a process with that id
 * exists, so a zombie (in containers without an init process) or an unrelated process would prevent the start. The
 * second protection of PostgreSQL, the shared memory of the data folder, still works. Called by postgres.ts.
 */
import { readFileSync, readlinkSync, realpathSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { processIdentity } from '../../../lib/node/process-identity.ts'
import { UserError } from '../user-error.ts'

/** @throws UserError when a running PostgreSQL uses the cluster */
export function removeStaleLock(cluster: string): void {
  const file = join(cluster, 'postmaster.pid')
  let pid: number
  try {
    pid = Number(readFileSync(file, 'utf8').split('\n')[0])
  } catch {
    return
  }
  if (pid > 0 && processIdentity(pid) !== null && runsIn(pid, cluster)) {
    throw new UserError(
      `Another PostgreSQL (process ${pid}) runs on ${cluster}: stop it, or choose another OCTOPOD_HOME.`,
    )
  }
  rmSync(file, { force: true })
}

/** The working directory of PostgreSQL is its data folder. If it cannot be read, the file is trusted. */
function runsIn(pid: number, cluster: string): boolean {
  try {
    return readlinkSync(`/proc/${pid}/cwd`) === realpathSync(cluster)
  } catch {
    return true
  }
}
