/** For whoever watches the process: /healthz is it alive, /readyz are its stores reachable. */

import type { Handler } from 'hono'
import { getListVersion } from '../../db/queries/deployments.ts'
import { withTimeout } from '../../lib/with-timeout.ts'
import type { Services } from '../services.ts'

export const healthz: Handler = (context) => context.json({ status: 'alive' })

type StoreState = 'ok' | 'away'

/**
 * 503 without PostgreSQL or once the process is to stop. Without Redis, or where PostgreSQL can store nothing more, the server
 * still serves what it can: it says so, with 200.
 */
export function readyz(services: Services): Handler {
  return async (context) => {
    const [postgres, redis] = await Promise.all([
      probe(getListVersion(services.db)),
      probe(services.redis.ping()),
    ])
    const isShuttingDown = services.isShuttingDown()
    const ready = postgres === 'ok' && !isShuttingDown
    const isDiskFull = services.db.isDiskFull()
    const status = !ready ? 'not ready' : redis === 'ok' && !isDiskFull ? 'ready' : 'degraded'
    const store = ready && isDiskFull ? 'full' : postgres
    return context.json({ status, postgres: store, redis, stopping: isShuttingDown }, ready ? 200 : 503)
  }
}

async function probe(work: Promise<unknown>): Promise<StoreState> {
  const answered = work.then(
    () => 'ok' as const,
    () => 'away' as const,
  )
  return withTimeout(answered, 2000, () => 'away' as const)
}
