/** Handlers for probes: /healthz says that the process is alive, /readyz whether it can serve requests. */
import type { Handler } from 'hono'
import { isReadOnly } from '../../db/postgres/server-state.ts'
import { getListVersion } from '../../db/queries/deployments.ts'
import { withTimeout } from '../../lib/with-timeout.ts'
import type { Services } from '../services.ts'

export const healthz: Handler = (context) => context.json({ status: 'ok' })

type StoreState = 'ok' | 'unreachable'

/**
 * 503 without PostgreSQL and during shutdown. Without Redis, or when the disk of PostgreSQL is full or PostgreSQL is
 * read-only, the server still serves part of the requests: `degraded`, with 200.
 */
export function readyz(services: Services): Handler {
  return async (context) => {
    let isWritable = true
    const readDatabase = async () => {
      await getListVersion(services.db)
      isWritable = !(await isReadOnly(services.db))
    }
    const [postgres, redis] = await Promise.all([probe(readDatabase()), probe(services.redis.ping())])
    const isShuttingDown = services.isShuttingDown()
    const ready = postgres === 'ok' && !isShuttingDown
    const isDiskFull = services.db.isDiskFull()
    const works = redis === 'ok' && isWritable && !isDiskFull
    const status = !ready ? 'not ready' : works ? 'ready' : 'degraded'
    const store = postgres !== 'ok' ? postgres : !isWritable ? 'read-only' : isDiskFull ? 'full' : 'ok'
    return context.json({ status, postgres: store, redis, stopping: isShuttingDown }, ready ? 200 : 503)
  }
}

async function probe(work: Promise<unknown>): Promise<StoreState> {
  const answered = work.then(
    () => 'ok' as const,
    () => 'unreachable' as const,
  )
  return withTimeout(answered, 2000, () => 'unreachable' as const)
}
