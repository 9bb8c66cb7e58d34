/**
 * Answers for a postmaster.pid left by a PostgreSQL that was killed. PostgreSQL itself only asks whether some
 * process has that id: a zombie (containers without a reaping init) or an unrelated process keeps it from starting.
 * Its second guard, the shared memory keyed by the data folder, stays in force.
 */
import { readFileSync, readlinkSync, realpathSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { processIdentity } from '../../../lib/node/process-identity.ts'
import { UserError } from '../user-error.ts'

/** @throws Problem when a living PostgreSQL has the cluster. */
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

/** PostgreSQL works inside its data folder. Where that cannot be seen, we believe the file. */
function runsIn(pid: number, cluster: string): boolean {
  try {
    return readlinkSync(`/proc/${pid}/cwd`) === realpathSync(cluster)
  } catch {
    return true
  }
}
