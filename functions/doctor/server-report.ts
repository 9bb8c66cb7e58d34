/** Reports about this server, for the doctor of every server. Started by server.ts. */
import { randomUUID } from 'node:crypto'
import { hostname } from 'node:os'
import { describeProgram } from '../../db/describe-program.ts'
import { startReports } from '../../db/redis/program-reports.ts'
import type { PeriodicTask } from '../../lib/periodic.ts'
import type { PolicyStatus } from '../auth/policy/policy-source.ts'
import type { Services } from '../services.ts'

/** Unique also where every container has the process id 1 and machines share a name. */
export const serverName = `${hostname()}-${process.pid}-${randomUUID().slice(0, 8)}`

export function startServerReports({ db, redis, settings, auth: { policy } }: Services): PeriodicTask {
  return startReports(redis, settings.REDIS_PREFIX, serverName, async () => ({
    ...(await describeProgram({
      kind: 'server',
      name: serverName,
      settings,
      connections: settings.DATABASE_POOL_SIZE,
      db,
    })),
    policy: policyReport(policy.status()),
  }))
}

/** The digest is the one that runners report. */
const policyReport = ({ sha256, problems }: PolicyStatus) => ({ digest: sha256, problems: problems.length })
