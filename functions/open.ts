/** Opens what the functions need, for server.ts and lambda.ts, and gives the way to close it again. */
import type { Redis } from 'ioredis'
import type { Logger } from 'pino'
import { getFullInfos } from '../db/deployments.ts'
import { openPool } from '../db/pool.ts'
import { openBells, openQuestions } from '../db/queue.ts'
import { closeRedis, onceAMinute, openCommands, openSubscriber, whenReady } from '../db/redis.ts'
import type { ServerSettings } from '../domain/settings.ts'
import { gathered } from './gathered.ts'
import { createListCache } from './list-cache.ts'
import { createOutputHints } from './output-hints.ts'
import type { Services } from './services.ts'

export type Opened = { services: Services; subscriber: Redis; close(): Promise<void> }

type Options = Pick<Services, 'mayWait' | 'leaving' | 'closing'> & { patienceMs: number }

/** Waits up to `patienceMs` for PostgreSQL; Redis may come later. */
export async function openServices(settings: ServerSettings, log: Logger, options: Options): Promise<Opened> {
  const onWait = (words: string) => log.warn(`waiting for PostgreSQL: ${words}`)
  const db = await openPool(settings.DATABASE_URL, {
    size: settings.DATABASE_POOL_SIZE,
    patienceMs: options.patienceMs,
    onWait,
  })
  const quiet = onceAMinute((error) =>
    log.warn({ err: error }, 'Redis is not reachable; working without it until it is back'),
  )
  const redis = openCommands(settings.REDIS_URL, quiet)
  const subscriber = openSubscriber(settings.REDIS_URL, quiet)
  await whenReady(redis, 2000)
  const bells = openBells(redis, settings.REDIS_PREFIX)
  const questions = openQuestions(redis, subscriber, settings.REDIS_PREFIX)
  const list = createListCache(db)
  const fullInfo = gathered((names) => getFullInfos(db, names))
  const outputHints = createOutputHints()
  const { mayWait, leaving, closing } = options
  return {
    services: {
      settings,
      db,
      redis,
      bells,
      questions,
      list,
      fullInfo,
      outputHints,
      log,
      mayWait,
      leaving,
      closing,
    },
    subscriber,
    close: async () => {
      await Promise.all([bells.close(), questions.close()])
      await Promise.all([closeRedis(redis), closeRedis(subscriber)])
      await Promise.race([db.end(), new Promise((resolve) => setTimeout(resolve, 2000).unref())])
    },
  }
}
