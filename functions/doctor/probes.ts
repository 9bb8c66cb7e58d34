/**
 * Asks PostgreSQL and Redis what the doctor wants to know, each question with a time limit of its own: the doctor answers while a
 * store is away, hangs or is slow. Called by doctor.ts.
 */
import { classifyStoreError } from '../../db/errors.ts'
import { findMissingRights, readServerState } from '../../db/postgres/server-state.ts'
import { readAuditState } from '../../db/queries/audit/seals.ts'
import { countFailingScripts } from '../../db/queries/failures/script-failures.ts'
import { countTroubles } from '../../db/queries/notifications/deliveries.ts'
import { readPauses } from '../../db/queries/pauses/pauses.ts'
import { readStats, type Stats } from '../../db/queries/stats.ts'
import { readRedisState } from '../../db/redis/inspect-redis.ts'
import { readRedisTime, readReports } from '../../db/redis/program-reports.ts'
import type { DoctorFacts, PostgresState, Probed } from '../../domain/doctor/facts.ts'
import { scriptReceiver, webhookName } from '../../domain/notifications/event.ts'
import { TimeoutError, withTimeout } from '../../lib/with-timeout.ts'
import { givesCredential } from '../http/static-files.ts'
import type { Services } from '../services.ts'
import { serverName } from './server-report.ts'

/** Two rounds of questions must fit into the time of a request. */
const probeTimeoutMs = 1500

export async function collectFacts(services: Services): Promise<DoctorFacts> {
  const [postgres, redis] = await Promise.all([askPostgres(services), askRedis(services)])
  const { settings, auth } = services
  const { file, problems } = auth.policy.status()
  return {
    self: serverName,
    ...postgres,
    ...redis,
    policyProblems: file === null ? null : problems.length,
    access: {
      anonymousRole: settings.ANONYMOUS_ROLE ?? 'none',
      givesCredential: givesCredential(settings),
    },
  }
}

type PostgresFacts = Pick<
  DoctorFacts,
  'postgres' | 'databaseRights' | 'actions' | 'pauses' | 'history' | 'audit' | 'webhooks' | 'failingScripts'
>

async function askPostgres({ db, settings }: Services): Promise<PostgresFacts> {
  const postgres: Probed<PostgresState> = await probe(async () => {
    const startedAt = performance.now()
    const { timeMs, ...state } = await readServerState(db)
    const latencyMs = performance.now() - startedAt
    return {
      ...state,
      latencyMs,
      clockOffsetMs: timeMs - (Date.now() - latencyMs / 2),
      isFull: db.isDiskFull(),
    }
  })
  if ('problem' in postgres) return { postgres, ...unknownWork(postgres) }
  const [rights, stats, pauses, audit, webhooks, failingScripts] = await Promise.all([
    probe(async () => (await findMissingRights(db)).missing),
    probe(() => readStats(db)),
    probe(() => readPauses(db)),
    probe(() => readAuditState(db)),
    probe(async () => (await countTroubles(db)).map(toWebhook)),
    probe(() => countFailingScripts(db)),
  ])
  const isLimited =
    settings.OUTPUT_RETENTION + settings.OUTPUT_TOTAL_LIMIT + settings.ACTION_RETENTION > 0 ||
    settings.OUTPUT_DEPLOYMENT_LIMIT + settings.ACTION_HISTORY_LIMIT > 0
  return {
    postgres,
    databaseRights: rights,
    actions: mapProbed(stats, countActions),
    pauses,
    history: mapProbed(stats, ({ storage }) => ({
      outputBytes: storage.outputBytes,
      tableBytes: storage.tables.reduce((sum, { bytes }) => sum + bytes, 0),
      isLimited,
    })),
    audit,
    webhooks,
    failingScripts,
  }
}

const unknownWork = (problem: { problem: string }) => ({
  databaseRights: problem,
  actions: problem,
  pauses: problem,
  history: problem,
  audit: problem,
  webhooks: problem,
  failingScripts: problem,
})

function countActions({ active, oldestQueuedSeconds, lateChecks }: Stats) {
  const count = (wanted: string) =>
    active.filter(({ state }) => state === wanted).reduce((sum, { count }) => sum + count, 0)
  return {
    running: count('running'),
    queued: count('queued'),
    waiting: count('waiting'),
    oldestQueuedSeconds,
    lateChecks,
  }
}

const toWebhook = (row: { receiver: string; failed: number; waitingWithError: number }) => ({
  name: row.receiver === scriptReceiver ? 'the notifications script' : webhookName(row.receiver),
  failed: row.failed,
  waitingWithError: row.waitingWithError,
})

async function askRedis({
  redis,
  settings,
  actionQueue,
}: Services): Promise<Pick<DoctorFacts, 'redis' | 'programs' | 'connectedRunners'>> {
  const prefix = settings.REDIS_PREFIX
  const state = probe(async () => {
    const startedAt = performance.now()
    const timeMs = await readRedisTime(redis)
    const latencyMs = performance.now() - startedAt
    const clockOffsetMs = timeMs - (Date.now() - latencyMs / 2)
    return { ...(await readRedisState(redis, prefix)), latencyMs, clockOffsetMs }
  })
  const [answered, programs, connectedRunners] = await Promise.all([
    state,
    probe(() => readReports(redis, prefix)),
    actionQueue.countRunners(),
  ])
  return { redis: answered, programs, connectedRunners }
}

async function probe<Value>(ask: () => Promise<Value>): Promise<Probed<Value>> {
  try {
    return { value: await withTimeout(ask(), probeTimeoutMs) }
  } catch (error) {
    return { problem: describeProblem(error) }
  }
}

/** Never the message: it may name hosts. */
function describeProblem(error: unknown): string {
  // The client of Redis has a time limit of its own.
  if (error instanceof Error && error.message === 'Command timed out') return 'no answer in time'
  if (error instanceof TimeoutError) return `no answer in ${probeTimeoutMs / 1000} s`
  const { code } = error as { code?: unknown }
  const kind = classifyStoreError(error)
  const words = [
    kind?.replace('_', ' '),
    typeof code === 'string' && /^\w{1,30}$/.test(code) ? code : undefined,
  ]
  return words.filter(Boolean).join(', ') || 'it refuses the question'
}

const mapProbed = <Value, Mapped>(probed: Probed<Value>, map: (value: Value) => Mapped): Probed<Mapped> =>
  'value' in probed ? { value: map(probed.value) } : probed
