/**
 * Script queries: a server asks a runner to run a read-only control script and waits for its answer. The query is a
 * BullMQ job, the answer a pub/sub message to the server that asked. Servers query, runners serve. config_check has a
 * queue of its own. Runners of an earlier version serve only the shared queue, with config_check in it.
 */
import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Job, type Queue, Worker } from 'bullmq'
import type { Redis } from 'ioredis'
import { z } from 'zod'
import {
  type ScriptAnswer,
  type ScriptQuery,
  scriptAnswer,
  scriptQuery,
} from '../../domain/queue-messages.ts'
import { parseMessage, publishAbandonedQuery } from '../redis/events.ts'
import { channelNames, queueNames } from '../redis/redis-keys.ts'
import {
  closeQueue,
  countWorkers,
  createQueue,
  jobOptions,
  withRedisTimeout,
  workerOptions,
} from './bullmq.ts'

/**
 * `query` rejects with {@link ScriptQueryTimeout} when no runner answered in time, with {@link ScriptQueryAbandoned} when
 * `signal` aborts, and with another error when Redis is or becomes unreachable or has lost the job.
 */
export type ScriptQueryClient = {
  query(query: ScriptQuery, limits: QueryLimits, signal?: AbortSignal): Promise<ScriptAnswer>
  close(): Promise<void>
}

/** `runnerTimeoutMs`: how long config_check waits for a runner where none serves its queue. */
export type QueryLimits = { timeoutMs: number; runnerTimeoutMs: number }

/** Its client has gone, and no runner need work for it any more. */
export class ScriptQueryAbandoned extends Error {
  override name = 'ScriptQueryAbandoned'
}

export class ScriptQueryTimeout extends Error {
  override name = 'ScriptQueryTimeout'
  readonly limit: keyof QueryLimits
  constructor(limit: keyof QueryLimits, waitedMs: number) {
    super(`no runner answered in ${waitedMs} ms`)
    this.limit = limit
  }
}

/** `timeoutMs`: how long the server waits. */
type QueryJob = { id: string; replyTo: string; timeoutMs: number; query: ScriptQuery }
const replyMessage = z.object({ id: z.string(), answer: z.unknown() })
type ReplyMessage = z.infer<typeof replyMessage>

const redisTimeoutMs = 1000
/** How often a waiting client asks Redis for the state of its job. */
const jobStateIntervalMs = 300

/** `subscriber` receives the answers; the client needs it for itself. */
export function createScriptQueryClient(
  connection: Redis,
  subscriber: Redis,
  prefix: string,
): ScriptQueryClient {
  const shared = createQueue<QueryJob>(queueNames.scriptQueries, connection, prefix)
  const configChecks = createQueue<QueryJob>(queueNames.configChecks, connection, prefix)
  const countRunners = shareCount(configChecks)
  /** No runner works for a client that has given up: the job is removed, or the runner that has begun it ends it. */
  const abandon = ({ job }: PendingQuery): Promise<void> =>
    job.remove().catch(() => publishAbandonedQuery(connection, prefix, job.data.id))
  const replyTo = channelNames(prefix).replies(randomUUID())
  const pendingReplies = new Map<string, (answer: unknown) => void>()
  const subscribed = subscriber.subscribe(replyTo)
  subscribed.catch(() => {})
  subscriber.on('message', (channel, text) => {
    if (channel !== replyTo) return
    const reply = parseMessage(replyMessage, text)
    if (reply !== null) pendingReplies.get(reply.id)?.(reply.answer)
  })
  return {
    async query(query, { timeoutMs, runnerTimeoutMs }, signal) {
      const id = randomUUID()
      const answered = new Promise<unknown>((resolve) => pendingReplies.set(id, resolve))
      const done = new AbortController()
      const { promise: abandoned, reject } = Promise.withResolvers<never>()
      abandoned.catch(() => {})
      const onAbort = () => reject(new ScriptQueryAbandoned('the client has gone'))
      signal?.addEventListener('abort', onAbort, { once: true })
      if (signal?.aborted) onAbort()
      try {
        await withRedisTimeout(subscribed, redisTimeoutMs)
        const queue = query.type === 'config_check' ? configChecks : shared
        const job = await addJob(queue, { id, replyTo, timeoutMs, query })
        const pending = { queue, job, expiresAtMs: performance.now() + timeoutMs }
        const failed = watchJob(pending, { shared, countRunners, runnerTimeoutMs }, done.signal)
        const onTimeout = () => new ScriptQueryTimeout('timeoutMs', timeoutMs)
        const answer = withRedisTimeout(Promise.race([answered, failed, abandoned]), timeoutMs, onTimeout)
        return scriptAnswer.parse(
          await answer.catch((error) => {
            if (error instanceof ScriptQueryTimeout || error instanceof ScriptQueryAbandoned)
              void abandon(pending)
            throw error
          }),
        )
      } finally {
        done.abort()
        signal?.removeEventListener('abort', onAbort)
        pendingReplies.delete(id)
      }
    },
    close: async () => {
      await Promise.all([closeQueue(shared), closeQueue(configChecks)])
    },
  }
}

const addJob = (queue: Queue<QueryJob>, data: QueryJob): Promise<Job<QueryJob>> =>
  withRedisTimeout(queue.add('query', data, jobOptions), redisTimeoutMs)

type PendingQuery = { queue: Queue<QueryJob>; job: Job<QueryJob>; expiresAtMs: number }

type Fallback = {
  shared: Queue<QueryJob>
  countRunners: () => Promise<number | null>
  runnerTimeoutMs: number
}

/** Waiting queries share one count, because Redis lists all its clients for it. */
function shareCount(queue: Queue<QueryJob>): () => Promise<number | null> {
  let count: Promise<number | null>
  let countedAtMs = Number.NEGATIVE_INFINITY
  return () => {
    if (performance.now() - countedAtMs >= jobStateIntervalMs) {
      countedAtMs = performance.now()
      count = countWorkers(queue, redisTimeoutMs)
    }
    return count
  }
}

/**
 * Rejects when Redis is unreachable or has twice not known the job although no answer came. Moves a waiting config_check
 * to the shared queue when no runner serves its own, and rejects when no runner takes it there in time.
 */
async function watchJob(
  pending: PendingQuery,
  { shared, countRunners, runnerTimeoutMs }: Fallback,
  signal: AbortSignal,
): Promise<never> {
  const { queue } = pending
  const sentAtMs = performance.now()
  for (let misses = 0; misses < 2; ) {
    await sleep(jobStateIntervalMs, null, { signal })
    const state = await withRedisTimeout(pending.job.getState(), redisTimeoutMs)
    misses = state === 'unknown' ? misses + 1 : 0
    if (queue === shared || state !== 'waiting') continue
    if (pending.queue === shared) {
      if (performance.now() - sentAtMs >= runnerTimeoutMs)
        throw new ScriptQueryTimeout('runnerTimeoutMs', runnerTimeoutMs)
    } else if (!(await countRunners())) await moveJob(pending, shared)
  }
  throw new Error('Redis has lost the script query')
}

/** A runner that has come in between may have taken the job; then it stays. */
async function moveJob(pending: PendingQuery, to: Queue<QueryJob>): Promise<void> {
  const isRemoved = await withRedisTimeout(pending.job.remove(), redisTimeoutMs).then(
    () => true,
    () => false,
  )
  if (!isRemoved) return
  const timeoutMs = Math.max(1, Math.ceil(pending.expiresAtMs - performance.now()))
  pending.job = await addJob(to, { ...pending.job.data, timeoutMs })
  pending.queue = to
}

/** How many queries of each queue a runner serves at a time. */
export type QueryConcurrency = { scriptQueries: number; configChecks: number }

export type ScriptQueryServer = {
  workers: Record<keyof QueryConcurrency, Worker>
  /** Aborts the signal of a running query. Other runners do not know its id. */
  abandon(queryId: string): void
}

/** Serves both queues. The signal of `onQuery` aborts when the client has given up or its time limit is over. */
export function serveScriptQueries(
  connection: Redis,
  commands: Redis,
  prefix: string,
  concurrency: QueryConcurrency,
  onQuery: (query: ScriptQuery, signal: AbortSignal) => Promise<ScriptAnswer>,
): ScriptQueryServer {
  const running = new Map<string, AbortController>()
  const serve = async ({ id, replyTo, timeoutMs, query }: QueryJob) => {
    const abandoned = new AbortController()
    running.set(id, abandoned)
    try {
      if (!(await hasListener(commands, replyTo)) || abandoned.signal.aborted) return
      const signal = AbortSignal.any([abandoned.signal, AbortSignal.timeout(timeoutMs)])
      const answer = await onQuery(scriptQuery.parse(query), signal)
      const reply: ReplyMessage = { id, answer }
      await commands.publish(replyTo, JSON.stringify(reply))
    } finally {
      running.delete(id)
    }
  }
  const start = (queue: keyof QueryConcurrency) =>
    new Worker<QueryJob>(
      queueNames[queue],
      (job) => serve(job.data),
      workerOptions(connection, prefix, concurrency[queue]),
    )
  return {
    workers: { scriptQueries: start('scriptQueries'), configChecks: start('configChecks') },
    abandon: (queryId) => running.get(queryId)?.abort(),
  }
}

/** Whether the server that asked is still there. Of a killed one, queries may be left in the queue. */
async function hasListener(commands: Redis, channel: string): Promise<boolean> {
  const counted = withRedisTimeout(commands.pubsub('NUMSUB', channel), redisTimeoutMs)
  const [, count] = await counted.catch(() => [channel, 1])
  return Number(count) > 0
}
