/** `npm run runner`: performs actions, answers questions, makes checks. Any number of them side by side. */
import { randomUUID } from 'node:crypto'
import { hostname } from 'node:os'
import { pino } from 'pino'
import { clearCached } from '../db/cache.ts'
import { subscribe } from '../db/events.ts'
import { openPool } from '../db/pool.ts'
import { closeWorker, hearBells, hearQuestions } from '../db/queue.ts'
import {
  closeRedis,
  onceAMinute,
  openBlocking,
  openCommands,
  openSubscriber,
  whenReady,
} from '../db/redis.ts'
import { createSlots } from '../db/slots.ts'
import { serializers } from '../db/tell.ts'
import { readSettings, SettingsError } from '../domain/settings.ts'
import { answerQuestion } from './answer.ts'
import { heartbeat } from './heartbeat.ts'
import { createMemory } from './memory.ts'
import { findNamespace } from './namespace.ts'
import { notify } from './notify.ts'
import { perform, type Running } from './perform.ts'
import { ask } from './run.ts'
import { findScripts, scriptEnvironment } from './scripts.ts'
import { createSupervisor } from './supervise.ts'
import { sweep } from './sweep.ts'
import { watch } from './watch.ts'
import type { Workshop } from './workshop.ts'

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
  const through = settings.PID_NAMESPACE === 'own' ? await findNamespace(environment) : []
  const log = pino({ level: settings.LOG_LEVEL, serializers })
  const onWait = (words: string) => log.warn(`waiting for PostgreSQL: ${words}`)
  const db = await openPool(settings.DATABASE_URL, {
    size: settings.DATABASE_POOL_SIZE,
    patienceMs: 60_000,
    onWait,
  })
  const leases = await openPool(settings.DATABASE_URL, {
    size: 2,
    queryTimeoutMs: 2000,
    patienceMs: 60_000,
    onWait,
  })
  const quiet = onceAMinute((error) =>
    log.warn({ err: error }, 'Redis is not reachable; working without it until it is back'),
  )
  const unsupervised = onceAMinute((error) =>
    log.error({ err: error }, 'scripts may outlive their lease should this runner be frozen or killed'),
  )
  const redis = openCommands(settings.REDIS_URL, quiet)
  const subscriber = openSubscriber(settings.REDIS_URL, quiet)
  const blocking = openBlocking(settings.REDIS_URL, quiet)
  const closing = new AbortController()
  const workshop: Workshop = {
    name: `${hostname()}-${process.pid}-${randomUUID().slice(0, 8)}`,
    settings,
    project: {
      projectName: settings.PROJECT_NAME,
      baseDomain: settings.BASE_DOMAIN,
      namespace: settings.NAMESPACE,
    },
    db,
    leases,
    redis,
    scripts,
    supervisor: createSupervisor(settings.KILL_GRACE, settings.LEASE, (words) =>
      unsupervised(new Error(words)),
    ),
    environment,
    through,
    memory: createMemory(),
    log,
    closing: closing.signal,
  }
  await initialise(workshop)

  // Then: everything it does, each apart from the others.
  const running: Running = new Map()
  const notifications = notify(workshop)
  const checks = watch(workshop, notifications.nudge)
  const slots = createSlots(settings.ACTION_CONCURRENCY)
  const performOne = async (actionId: number) => {
    if (!(await slots.take())) return
    await perform(workshop, running, actionId).finally(slots.leave)
    checks.nudge()
    notifications.nudge()
  }
  const inBackground = (actionId: number) =>
    void performOne(actionId).catch((error) =>
      log.error({ err: error, actionId }, 'an action could not be performed'),
    )
  const sweeper = sweep(workshop, slots.free, inBackground)
  const bells = hearBells(blocking, settings.REDIS_PREFIX, settings.ACTION_CONCURRENCY, performOne)
  // Of each question being answered: aborted when nobody waits for it any more.
  const waited = new Set<AbortSignal>()
  const questions = hearQuestions(
    blocking,
    redis,
    settings.REDIS_PREFIX,
    settings.QUESTION_CONCURRENCY,
    (question, signal) => {
      waited.add(signal)
      return answerQuestion(workshop, question, signal)
        .catch((error) => {
          log.error({ err: error }, 'a question could not be answered')
          return { is: 'failed' as const, words: 'A fault of the runner; its log has the cause.' }
        })
        .finally(() => waited.delete(signal))
    },
  )
  for (const worker of [bells, questions])
    worker
      .on('error', quiet)
      .on('failed', (_, error) => log.warn({ err: error }, `a job of ${worker.name} failed`))
  subscribe(subscriber, settings.REDIS_PREFIX, {
    cancel: (actionId) => running.get(actionId)?.cancel(),
  }).catch((error) => log.error({ err: error }, 'could not subscribe to cancels'))

  const heart = heartbeat(log, settings.HEARTBEAT_FILE)

  // Finally: an orderly end. A second signal ends at once; scripts then end with their leases.
  let stopping = false
  const stop = async () => {
    if (stopping) process.exit(1)
    stopping = true
    log.info({ running: running.size }, 'stopping: nothing new is taken, running actions may finish')
    const late = setTimeout(() => closing.abort('interrupted'), settings.SHUTDOWN_GRACE)
    setTimeout(() => process.exit(1), settings.SHUTDOWN_GRACE + settings.KILL_GRACE + 10_000).unref()
    slots.close()
    // Also what is just being claimed, and will run, is under way.
    const idle = until(() => slots.taken() === 0 && [...waited].every((signal) => signal.aborted))
    await Promise.all([sweeper.stop(), closeWorker(bells, idle), closeWorker(questions, idle), idle])
    clearTimeout(late)
    closing.abort('interrupted')
    await Promise.all([checks.stop(), notifications.stop(), heart.stop()])
    await workshop.supervisor.close()
    await Promise.all([redis, subscriber, blocking].map(closeRedis))
    await Promise.race([
      Promise.all([db.end(), leases.end()]),
      new Promise((resolve) => setTimeout(resolve, 2000).unref()),
    ])
    process.exit(0)
  }
  process.on('SIGTERM', stop)
  process.on('SIGINT', stop)
  log.info({ runner: workshop.name }, 'runner ready')
}

/** The init script runs once, before any other; new scripts may answer differently, so old answers go. */
async function initialise(workshop: Workshop): Promise<void> {
  if (workshop.scripts.path('init') !== null) {
    const { failure } = await ask(workshop, 'init', [])
    if (failure !== null) throw new SettingsError(failure)
  }
  await whenReady(workshop.redis, 2000)
  await clearCached(workshop.redis, workshop.settings.REDIS_PREFIX).catch(() => {})
}

async function until(done: () => boolean): Promise<void> {
  while (!done()) await new Promise((resolve) => setTimeout(resolve, 50))
}
