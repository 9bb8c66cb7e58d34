/** `npm run runner`: performs actions, answers questions, makes checks. Any number of them side by side. */

import { randomUUID } from 'node:crypto'
import { hostname } from 'node:os'
import { pino } from 'pino'
import { openPool } from '../db/pool.ts'
import { consumeActions } from '../db/queue/action-queue.ts'
import { closeWorker } from '../db/queue/bullmq.ts'
import { serveScriptQueries } from '../db/queue/script-queries.ts'
import {
  closeRedis,
  createBlockingConnection,
  createCommandConnection,
  createSubscriberConnection,
  oncePerMinute,
  waitUntilReady,
} from '../db/redis/connections.ts'
import { subscribe } from '../db/redis/events.ts'
import { clearScriptCache } from '../db/redis/script-cache.ts'
import { readSettings, SettingsError } from '../domain/settings.ts'
import { delay } from '../lib/delay.ts'
import { exitOnHelp } from '../lib/node/help.ts'
import { createSemaphore } from '../lib/semaphore.ts'
import { serializers } from '../lib/serialize-error.ts'
import { withTimeout } from '../lib/with-timeout.ts'
import { executeAction, type RunningActions } from './actions/execute-action.ts'
import { startCheckScheduler } from './checks/check-scheduler.ts'
import type { RunnerContext } from './context.ts'
import { startHeartbeat } from './heartbeat.ts'
import { startNotifications } from './notifications/send-notifications.ts'
import { detectPidNamespace } from './process/pid-namespace.ts'
import { createWatchdog } from './process/watchdog.ts'
import { startRecovery } from './schedules/recovery.ts'
import { handleScriptQuery } from './script-queries/script-query-handler.ts'
import { createConfigCache } from './scripts/config-cache.ts'
import { findScripts, scriptEnvironment } from './scripts/find-scripts.ts'
import { runScript } from './scripts/run-script.ts'

exitOnHelp(`npm run runner

Performs actions with the control scripts in CONTROL_SCRIPTS_DIR, runs checks and answers script queries.
Reads its settings from the environment: docs/settings.md. SIGTERM stops it in order; a second signal ends it at once.`)

try {
  await main()
} catch (error) {
  const words = error instanceof Error ? error.message : String(error)
  console.error(error instanceof SettingsError ? words : `The runner could not start: ${words}`)
  process.exit(1)
}

async function main(): Promise<void> {
  // First: what it needs.
  const settings = readSettings('runner', process.env)
  const scripts = findScripts(settings)
  const environment = scriptEnvironment(process.env, settings.SCRIPT_ENVIRONMENT)
  const commandPrefix = settings.PID_NAMESPACE === 'own' ? await detectPidNamespace(environment) : []
  const log = pino({ level: settings.LOG_LEVEL, serializers })
  const onWait = (message: string) => log.warn(`waiting for PostgreSQL: ${message}`)
  const db = await openPool(settings.DATABASE_URL, {
    size: settings.DATABASE_POOL_SIZE,
    startupTimeoutMs: 60_000,
    onWait,
  })
  const leaseDb = await openPool(settings.DATABASE_URL, {
    size: 2,
    queryTimeoutMs: 2000,
    startupTimeoutMs: 60_000,
    onWait,
  })
  const logRedisError = oncePerMinute((error) =>
    log.warn({ err: error }, 'Redis is not reachable; working without it until it is back'),
  )
  const logWatchdogError = oncePerMinute((error) =>
    log.error({ err: error }, 'scripts may outlive their lease should this runner be frozen or killed'),
  )
  const redis = createCommandConnection(settings.REDIS_URL, logRedisError)
  const subscriber = createSubscriberConnection(settings.REDIS_URL, logRedisError)
  const queueRedis = createBlockingConnection(settings.REDIS_URL, logRedisError)
  const shutdown = new AbortController()
  const context: RunnerContext = {
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
    watchdog: createWatchdog(settings.KILL_GRACE, settings.LEASE, (message) =>
      logWatchdogError(new Error(message)),
    ),
    environment,
    commandPrefix,
    configCache: createConfigCache(),
    log,
    shutdownSignal: shutdown.signal,
  }
  await runInitScript(context)

  // Then: everything it does, each apart from the others.
  const running: RunningActions = new Map()
  const notifications = startNotifications(context)
  const checks = startCheckScheduler(context, notifications.runNow)
  const semaphore = createSemaphore(settings.ACTION_CONCURRENCY)
  const executeWhenFree = async (actionId: number) => {
    if (!(await semaphore.acquire())) return
    await executeAction(context, running, actionId).finally(semaphore.release)
    checks.runNow()
    notifications.runNow()
  }
  const executeInBackground = (actionId: number) =>
    void executeWhenFree(actionId).catch((error) =>
      log.error({ err: error, actionId }, 'an action could not be performed'),
    )
  const recovery = startRecovery(context, semaphore.available, executeInBackground)
  const actionWorker = consumeActions(
    queueRedis,
    settings.REDIS_PREFIX,
    settings.ACTION_CONCURRENCY,
    executeWhenFree,
  )
  // Of each question being answered: aborted when nobody waits for it any more.
  const activeQueries = new Set<AbortSignal>()
  const queryWorker = serveScriptQueries(
    queueRedis,
    redis,
    settings.REDIS_PREFIX,
    settings.SCRIPT_QUERY_CONCURRENCY,
    (query, signal) => {
      activeQueries.add(signal)
      return handleScriptQuery(context, query, signal)
        .catch((error) => {
          log.error({ err: error }, 'a question could not be answered')
          return { status: 'failed' as const, message: 'A fault of the runner; its log has the cause.' }
        })
        .finally(() => activeQueries.delete(signal))
    },
  )
  for (const worker of [actionWorker, queryWorker])
    worker
      .on('error', logRedisError)
      .on('failed', (_, error) => log.warn({ err: error }, `a job of ${worker.name} failed`))
  subscribe(subscriber, settings.REDIS_PREFIX, {
    onCancel: (actionId) => running.get(actionId)?.cancel(),
  }).catch((error) => log.error({ err: error }, 'could not subscribe to cancels'))

  const heart = startHeartbeat(log, settings.HEARTBEAT_FILE)

  // Finally: an orderly end. A second signal ends at once; scripts then end with their leases.
  let isShuttingDown = false
  const shutDown = async () => {
    if (isShuttingDown) process.exit(1)
    isShuttingDown = true
    log.info({ running: running.size }, 'stopping: nothing new is taken, running actions may finish')
    const graceTimer = setTimeout(() => shutdown.abort('interrupted'), settings.SHUTDOWN_GRACE)
    setTimeout(() => process.exit(1), settings.SHUTDOWN_GRACE + settings.KILL_GRACE + 10_000).unref()
    semaphore.close()
    // Also what is just being claimed, and will run, is under way.
    const idle = waitUntil(
      () => semaphore.inUse() === 0 && [...activeQueries].every((signal) => signal.aborted),
    )
    await Promise.all([
      recovery.stop(),
      closeWorker(actionWorker, idle),
      closeWorker(queryWorker, idle),
      idle,
    ])
    clearTimeout(graceTimer)
    shutdown.abort('interrupted')
    await Promise.all([checks.stop(), notifications.stop(), heart.stop()])
    await context.watchdog.close()
    await Promise.all([redis, subscriber, queueRedis].map(closeRedis))
    await withTimeout(Promise.all([db.end(), leaseDb.end()]), 2000, () => {})
    process.exit(0)
  }
  process.on('SIGTERM', shutDown)
  process.on('SIGINT', shutDown)
  log.info({ runner: context.runnerName }, 'runner ready')
}

/** The init script runs once, before any other; new scripts may answer differently, so old answers go. */
async function runInitScript(context: RunnerContext): Promise<void> {
  if (context.scripts.path('init') !== null) {
    const { failure } = await runScript(context, 'init', [])
    if (failure !== null) throw new SettingsError(failure)
  }
  await waitUntilReady(context.redis, 2000)
  await clearScriptCache(context.redis, context.settings.REDIS_PREFIX).catch(() => {})
}

async function waitUntil(done: () => boolean): Promise<void> {
  while (!done()) await delay(50)
}
