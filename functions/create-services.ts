/**
 * Opens the connections and caches that the handlers use, and returns how to close them. Called by server.ts and
 * lambda.ts.
 */
import type { Redis } from 'ioredis'
import type { Logger } from 'pino'
import { openPool } from '../db/pool.ts'
import { requireRights } from '../db/postgres/server-state.ts'
import { getFullInfos } from '../db/queries/deployments.ts'
import { createActionQueue } from '../db/queue/action-queue.ts'
import { createScriptQueryClient } from '../db/queue/script-queries.ts'
import {
  closeRedis,
  createCommandConnection,
  createSubscriberConnection,
  oncePerMinute,
} from '../db/redis/connections.ts'
import { checkRedis } from '../db/redis/inspect-redis.ts'
import type { ServerSettings } from '../domain/settings.ts'
import { createBatchLoader } from '../lib/node/batch-loader.ts'
import { createSharedTasks } from '../lib/shared-tasks.ts'
import { withTimeout } from '../lib/with-timeout.ts'
import { createAccess } from './access/access.ts'
import { createSenderReader } from './access/sender.ts'
import { createOutputNotifier } from './actions/output-notifier.ts'
import { createAppLogAvailability } from './app-logs/availability.ts'
import { createAuditRecorder } from './audit/audit-recorder.ts'
import { createAuth } from './auth/auth.ts'
import { createListCache } from './deployments/list-cache.ts'
import { createDoctor } from './doctor/doctor.ts'
import { createCompression } from './http/compression.ts'
import { createKnownPauses } from './pauses/known-pauses.ts'
import { openSecrets } from './secrets/secrets.ts'
import type { Services } from './services.ts'

export type CreatedServices = { services: Services; subscriber: Redis; close(): Promise<void> }

type Options = Pick<Services, 'supportsStreaming' | 'isShuttingDown' | 'shutdownSignal'> & {
  timeoutMs: number
}

/** Waits up to `timeoutMs` for PostgreSQL. Redis may be reachable later. */
export async function createServices(
  settings: ServerSettings,
  log: Logger,
  options: Options,
): Promise<CreatedServices> {
  const logWaiting = (message: string) => log.warn(`waiting for PostgreSQL: ${message}`)
  const db = await openPool(settings.DATABASE_URL, {
    size: settings.DATABASE_POOL_SIZE,
    startupTimeoutMs: options.timeoutMs,
    check: requireRights,
    onWait: logWaiting,
  })
  const logRedisError = oncePerMinute((error) =>
    log.warn({ err: error }, 'Redis is unreachable; the server works without it'),
  )
  const redis = createCommandConnection(settings, logRedisError)
  const subscriber = createSubscriberConnection(settings, logRedisError)
  await checkRedis(redis, settings.REDIS_PREFIX, (message) => log.warn(message))
  const actionQueue = createActionQueue(redis, settings.REDIS_PREFIX)
  const scriptQueries = createScriptQueryClient(redis, subscriber, settings.REDIS_PREFIX)
  const sender = createSenderReader(settings)
  const keepsSessions = options.supportsStreaming
  const auth = await createAuth(settings, { db, redis, log, sender, keepsSessions })
  const access = createAccess(settings, sender, auth.identifier.hasValidHeader, log)
  const { secrets, close: closeSecrets } = await openSecrets(settings, db, log)
  const listCache = createListCache(db, secrets)
  const loadFullInfo = createBatchLoader((names: readonly string[]) => getFullInfos(db, names, true))
  const loadRestrictedFullInfo = createBatchLoader((names: readonly string[]) =>
    getFullInfos(db, names, false),
  )
  const outputNotifier = createOutputNotifier()
  const audit = createAuditRecorder(db, log)
  const { supportsStreaming, isShuttingDown, shutdownSignal } = options
  return {
    services: {
      settings,
      access,
      auth,
      db,
      redis,
      actionQueue,
      scriptQueries,
      sharedQueries: createSharedTasks(),
      listCache,
      secrets,
      loadFullInfo,
      loadRestrictedFullInfo,
      outputNotifier,
      appLogAvailability: createAppLogAvailability(redis, settings.REDIS_PREFIX),
      pauses: createKnownPauses(db),
      audit,
      doctor: createDoctor(),
      compression: createCompression(),
      log,
      supportsStreaming,
      isShuttingDown,
      shutdownSignal,
    },
    subscriber,
    close: async () => {
      access.wrongCredentials.close()
      auth.policy.close()
      closeSecrets()
      auth.connections.close()
      await Promise.all([actionQueue.close(), scriptQueries.close()])
      await Promise.all([closeRedis(redis), closeRedis(subscriber)])
      await withTimeout(audit.close(), 2000, () => {})
      await withTimeout(db.end(), 2000, () => {})
    },
  }
}
