/** For whoever watches the process: /healthz is it alive, /readyz are its stores reachable. */
import type { Handler } from 'hono'
import { countChanges } from '../db/deployments.ts'
import type { Services } from './services.ts'

export const healthz: Handler = (context) => context.json({ status: 'alive' })

type Reached = 'ok' | 'away'

/**
 * 503 without PostgreSQL or once the process is to stop. Without Redis, or where PostgreSQL can store nothing more, the server
 * still serves what it can: it says so, with 200.
 */
export function readyz(services: Services): Handler {
  return async (context) => {
    const [postgres, redis] = await Promise.all([
      reached(countChanges(services.db)),
      reached(services.redis.ping()),
    ])
    const stopping = services.leaving()
    const ready = postgres === 'ok' && !stopping
    const full = services.db.full()
    const status = !ready ? 'not ready' : redis === 'ok' && !full ? 'ready' : 'degraded'
    const store = ready && full ? 'full' : postgres
    return context.json({ status, postgres: store, redis, stopping }, ready ? 200 : 503)
  }
}

async function reached(work: Promise<unknown>): Promise<Reached> {
  const late = new Promise<Reached>((resolve) => setTimeout(() => resolve('away'), 2000).unref())
  return Promise.race([
    work.then(
      () => 'ok' as const,
      () => 'away' as const,
    ),
    late,
  ])
}
