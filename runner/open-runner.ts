/** Finds the control scripts, opens all connections of a runner and closes them again. Called by main.ts. */
import { hash, randomUUID } from 'node:crypto'
import { hostname } from 'node:os'
import type { Redis } from 'ioredis'
import { type Logger, pino } from 'pino'
import { isDatabaseUnavailable } from '../db/errors.ts'
import { type Database, openPool } from '../db/pool.ts'
import { requireRights } from '../db/postgres/server-state.ts'
import { readDatabaseIdentity } from '../db/queries/recovery.ts'
import {
  closeRedis,
  createBlockingConnection,
  createCommandConnection,
  createSubscriberConnection,
  oncePerMinute,
} from '../db/redis/connections.ts'
import { checkRedis } from '../db/redis/inspect-redis.ts'
import type { RunnerSettings } from '../domain/settings.ts'
import { delay } from '../lib/delay.ts'
import { serializers } from '../lib/serialize-error.ts'
import { withTimeout } from '../lib/with-timeout.ts'
import type { RunnerContext } from './context.ts'
import { createLogFailure } from './log-failure.ts'
import { detectPidNamespace } from './process/pid-namespace.ts'
import { createGarbageCollector } from './process/pipes.ts'
import { createProcessTable, readRunnerProcess } from './process/process-table.ts'
import { createMarkerPrefix } from './process/script-marker.ts'
import { createWatchdog } from './process/watchdog.ts'
import { createConfigCache } from './scripts/config-cache.ts'
import { findScripts } from './scripts/find-scripts.ts'
import { scriptEnvironment } from './scripts/script-environment.ts'
import { createSecretKeys } from './scripts/secret-keys.ts'

/** How long the start waits for PostgreSQL. */
const startupTimeoutMs = 60_000

export type Runner = {
  context: RunnerContext
  /** The connection of the BullMQ workers. */
  queueRedis: Redis
  subscriber: Redis
  logRedisError(error: Error): void
  /** Ends every script that is still running. */
  interruptScripts(): void
  close(): Promise<void>
}

/** Throws a SettingsError when a script is missing or this machine cannot give scripts a PID namespace. */
export async function openRunner(settings: RunnerSettings): Promise<Runner> {
  const scripts = findScripts(settings)
  const environment = scriptEnvironment(process.env, settings.SCRIPT_ENVIRONMENT)
  const commandPrefix = settings.PID_NAMESPACE === 'own' ? await detectPidNamespace(environment) : []
  const log = pino({ level: settings.LOG_LEVEL, serializers })
  const onWait = (message: string) => log.warn(`waiting for PostgreSQL: ${message}`)
  const db = await openPool(settings.DATABASE_URL, {
    size: settings.DATABASE_POOL_SIZE,
    startupTimeoutMs,
    check: requireRights,
    onWait,
  })
  const leaseDb = await openPool(settings.DATABASE_URL, {
    size: 2,
    queryTimeoutMs: 2000,
    startupTimeoutMs,
    onWait,
  })
  const logRedisError = oncePerMinute((error) =>
    log.warn({ cause: error.message || error.name }, 'Redis is unreachable; the runner works without it'),
  )
  const logWatchdogError = oncePerMinute((error) =>
    log.error(
      { cause: error.message },
      'scripts may outlive their lease when this runner is frozen or killed',
    ),
  )
  const redis = createCommandConnection(settings, logRedisError)
  const subscriber = createSubscriberConnection(settings, logRedisError)
  const queueRedis = createBlockingConnection(settings, logRedisError)
  await checkRedis(redis, settings.REDIS_PREFIX, (message) => log.warn(message))
  const shutdown = new AbortController()
  const watchdog = createWatchdog(settings.KILL_GRACE, settings.LEASE, (message) =>
    logWatchdogError(new Error(message)),
  )
  return {
    context: {
      runnerName: `${hostname()}-${process.pid}-${randomUUID().slice(0, 8)}`,
      settings,
      project: {
        projectName: settings.PROJECT_NAME,
        baseDomain: settings.BASE_DOMAIN,
        namespace: settings.NAMESPACE,
      },
      db,
      leaseDb,
      redis,
      scripts,
      watchdog,
      processTable: createProcessTable(),
      collectGarbage: createGarbageCollector(),
      markerPrefix: await readMarkerPrefix(settings, db, log),
      environment,
      commandPrefix,
      configCache: createConfigCache(settings.CACHE_INVALIDATION_TIME),
      secretKeys: createSecretKeys(db, settings.SECRET_KEYS),
      log,
      logFailure: createLogFailure(log),
      shutdownSignal: shutdown.signal,
    },
    queueRedis,
    subscriber,
    logRedisError,
    interruptScripts: () => shutdown.abort('interrupted'),
    close: async () => {
      await watchdog.close()
      await Promise.all([redis, subscriber, queueRedis].map(closeRedis))
      await withTimeout(Promise.all([db.end(), leaseDb.end()]), 2000, () => {})
    },
  }
}

/**
 * With the project, because a copy of the files of a database may serve another project on the same machine.
 * @throws when the database does not answer until the start takes too long.
 */
export async function readMarkerPrefix(
  settings: Pick<RunnerSettings, 'PROJECT_NAME' | 'BASE_DOMAIN' | 'NAMESPACE'>,
  db: Pick<Database, 'oneFirst'>,
  log: Logger,
): Promise<string> {
  const runner = readRunnerProcess()
  if (runner === null) return ''
  const identity = await readIdentity(db, log)
  if (identity === null) return ''
  const { PROJECT_NAME, BASE_DOMAIN, NAMESPACE } = settings
  const parts = [identity, PROJECT_NAME, BASE_DOMAIN, NAMESPACE]
  return createMarkerPrefix(hash('sha256', JSON.stringify(parts), 'base64url').slice(0, 16), runner)
}

/** Asks again while the database is too busy: a runner without the identity has scripts that no other runner can end. */
async function readIdentity(db: Pick<Database, 'oneFirst'>, log: Logger): Promise<string | null> {
  const deadline = Date.now() + startupTimeoutMs
  for (;;) {
    try {
      return await readDatabaseIdentity(db)
    } catch (error) {
      if (!isDatabaseUnavailable(error)) {
        log.warn(
          { err: error },
          'the database has no identity; scripts of killed runners are not searched for',
        )
        return null
      }
      if (Date.now() >= deadline) throw error
      log.warn(`waiting for PostgreSQL: ${(error as Error).message}`)
      await delay(500)
    }
  }
}
