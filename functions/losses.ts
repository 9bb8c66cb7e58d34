/**
 * Notices events that never arrived (a publisher died between commit and publish, Redis was away) by comparing what
 * was relayed with how many changes PostgreSQL has counted, and has the clients fetch again. Law 7. While Redis is away
 * that is the only way to hear of changes, and clients are told so.
 */
import type { Redis } from 'ioredis'
import type { Logger } from 'pino'
import { countChanges } from '../db/deployments.ts'
import type { Database } from '../db/pool.ts'
import type { Live } from './live.ts'

export type LossWatch = { relayed(): void; stop(): void }

/** What had been counted one look ago must have arrived by now; `everyMs` is how long an event may be under way. */
export async function watchLosses(
  db: Database,
  log: Logger,
  { resync, delay }: Pick<Live, 'resync' | 'delay'>,
  redis: Redis,
  everyMs = 5000,
): Promise<LossWatch> {
  let arrived = await countChanges(db)
  let before = arrived
  let timer: NodeJS.Timeout | undefined
  let stopped = false

  const look = async () => {
    delay(
      await redis.ping().then(
        () => false,
        () => true,
      ),
    )
    try {
      const counted = await countChanges(db)
      if (arrived < before) {
        log.info({ missed: before - arrived }, 'change events were lost; clients fetch again')
        resync()
        arrived = before
      }
      arrived = Math.min(arrived, counted)
      before = counted
    } catch {
      // The database is away: nothing can have changed that anybody could see.
    }
    if (!stopped) timer = setTimeout(look, everyMs)
  }
  timer = setTimeout(look, everyMs)
  return {
    relayed: () => {
      arrived += 1
    },
    stop: () => {
      stopped = true
      clearTimeout(timer)
    },
  }
}
