/**
 * `npm run runner`: executes actions, answers script queries and runs health checks. Any number of runners share the
 * work.
 */
import { closeWorker } from '../db/queue/bullmq.ts'
import { waitUntilReady } from '../db/redis/connections.ts'
import { subscribe } from '../db/redis/events.ts'
import { clearScriptCache } from '../db/redis/script-cache.ts'
import { failureText } from '../domain/failures/failure.ts'
import { readSettings, SettingsError } from '../domain/settings/read-settings.ts'
import { delay } from '../lib/delay.ts'
import { exitOnHelp } from '../lib/node/help.ts'
import { startActionWorker } from './actions/action-worker.ts'
import { startAppLogRuns } from './app-logs/app-log-runs.ts'
import { startCheckScheduler } from './checks/check-scheduler.ts'
import type { RunnerContext } from './context.ts'
import { startHeartbeat } from './heartbeat.ts'
import { startNotifications } from './notifications/send-notifications.ts'
import { openRunner } from './open-runner.ts'
import { startAuditLog } from './schedules/audit-log.ts'
import { startHistory } from './schedules/history.ts'
import { startOrphanSearch } from './schedules/orphans.ts'
import { startRecovery } from './schedules/recovery.ts'
import { startRunnerReports } from './schedules/report.ts'
import { startRetention } from './schedules/retention.ts'
import { startSecretKeys } from './schedules/secret-keys.ts'
import { startScriptQueryWorkers } from './script-queries/script-query-worker.ts'
import { runScript } from './scripts/run-script.ts'

exitOnHelp(`npm run runner

Executes actions with the control scripts in CONTROL_SCRIPTS_DIR, runs health checks and answers script queries.
Reads its settings from the environment: docs/settings.md. SIGTERM shuts it down; a second signal exits at once.`)

try {
  await main()
} catch (error) {
  const message = error instanceof Error ? error.message : String(error)
  console.error(error instanceof SettingsError ? message : `The runner could not start: ${message}`)
  process.exit(1)
}

async function main(): Promise<void> {
  // First: scripts and connections.
  const settings = readSettings('runner', process.env)
  const runner = await openRunner(settings)
  const { context, queueRedis, subscriber, logRedisError } = runner
  const { log } = context
  await runInitScript(context)
  const secretKeys = await startSecretKeys(context)

  // Then: each kind of work with its own limit, so that none delays another.
  const notifications = startNotifications(context)
  const checks = startCheckScheduler(context, (change) => {
    notifications.runNow()
    // A check may end the wait of an action.
    actions.executeQueued(change)
  })
  const actions = startActionWorker(context, queueRedis, {
    onEnded: () => {
      checks.runNow()
      notifications.runNow()
      retention.runNow()
    },
    endCheckOf: checks.endCheckOf,
  })
  const queries = startScriptQueryWorkers(context, queueRedis)
  const appLogs = startAppLogRuns(context)
  const orphans = startOrphanSearch(context)
  const recovery = startRecovery(context, actions, orphans.search)
  const retention = startRetention(context, actions)
  const history = startHistory(context)
  const auditLog = startAuditLog(context)
  const reports = startRunnerReports(context, actions.runningCount)
  const workers = [actions.worker, ...queries.workers]
  for (const worker of workers)
    worker
      .on('error', logRedisError)
      .on('failed', (_, error) => context.logFailure(error, `a job of the queue ${worker.name} failed`))
  subscribe(subscriber, settings.REDIS_PREFIX, {
    onCancel: actions.cancel,
    onCheckEnd: checks.endCheckOf,
    onAbandonedQuery: queries.abandon,
    onAppLogRequest: appLogs.receive,
  }).catch((error) => context.logFailure(error, 'subscribing to messages failed'))
  const heartbeat = startHeartbeat(context.logFailure, settings.HEARTBEAT_FILE)

  // Finally: an orderly shutdown. A second signal exits at once; scripts then end with their leases.
  let isShuttingDown = false
  const shutDown = async () => {
    if (isShuttingDown) process.exit(1)
    isShuttingDown = true
    log.info(
      { running: actions.runningCount() },
      'shutdown: no new work is taken, running actions may finish',
    )
    const graceTimer = setTimeout(runner.interruptScripts, settings.SHUTDOWN_GRACE)
    setTimeout(() => process.exit(1), settings.SHUTDOWN_GRACE + settings.KILL_GRACE + 10_000).unref()
    actions.stopTaking()
    const appLogsEnded = appLogs.stop()
    const notificationsSent = notifications.stop()
    const idle = waitUntil(() => actions.isIdle() && queries.isIdle())
    await Promise.all([
      orphans.stop(),
      recovery.stop(),
      retention.stop(),
      history.stop(),
      secretKeys?.stop(),
      auditLog.stop(),
      appLogsEnded,
      notificationsSent,
      ...workers.map((worker) => closeWorker(worker, idle)),
      idle,
    ])
    clearTimeout(graceTimer)
    runner.interruptScripts()
    await Promise.all([checks.stop(), heartbeat.stop(), reports.stop()])
    await runner.close()
    process.exit(0)
  }
  process.on('SIGTERM', shutDown)
  process.on('SIGINT', shutDown)
  log.info({ runner: context.runnerName }, 'runner ready')
}

/** Runs the init script before all others. Clears the script cache, because new scripts may print other defaults. */
async function runInitScript(context: RunnerContext): Promise<void> {
  if (context.scripts.path('init') !== null) {
    const { failure } = await runScript(context, 'init', { args: [], configFile: null })
    if (failure !== null) throw new SettingsError(failureText(failure))
  }
  await waitUntilReady(context.redis, 2000)
  await clearScriptCache(context.redis, context.settings.REDIS_PREFIX).catch(() => {})
}

async function waitUntil(condition: () => boolean): Promise<void> {
  while (!condition()) await delay(50)
}
