/**
 * Script queries: a server asks a runner to run a read-only control script and waits for its answer. The query is a
 * BullMQ job, the answer a pub/sub message to the server that asked. Servers query, runners serve.
 */
import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { Worker } from 'bullmq'
import type { Redis } from 'ioredis'
import { z } from 'zod'
import {
  type ScriptAnswer,
  type ScriptQuery,
  scriptAnswer,
  scriptQuery,
} from '../../domain/queue-messages.ts'
import { parseMessage } from '../redis/events.ts'
import { channelNames, queueNames } from '../redis/redis-keys.ts'
import { closeQueue, createQueue, jobOptions, withRedisTimeout, workerOptions } from './bullmq.ts'

/**
 * `query` rejects with {@link ScriptQueryTimeout} when no runner answered in time, and with another error when Redis is
 * or becomes unreachable or has lost the job.
 */
export type ScriptQueryClient = {
  query(query: ScriptQuery, timeoutMs: number): Promise<ScriptAnswer>
  close(): Promise<void>
}

export class ScriptQueryTimeout extends Error {
  override name = 'ScriptQueryTimeout'
}

/** `timeoutMs`: how long the server waits. */
type QueryJob = { id: string; replyTo: string; timeoutMs: number; query: ScriptQuery }
const replyMessage = z.object({ id: z.string(), answer: z.unknown() })
type ReplyMessage = z.infer<typeof replyMessage>

const redisTimeoutMs = 1000
/** How often a waiting client asks Redis whether the job still exists. */
const lostJobCheckMs = 300

/** `subscriber` receives the answers; the client needs it for itself. */
export function createScriptQueryClient(
  connection: Redis,
  subscriber: Redis,
  prefix: string,
): ScriptQueryClient {
  const queue = createQueue<QueryJob>(queueNames.scriptQueries, connection, prefix)
  const replyTo = channelNames(prefix).replies(randomUUID())
  const pendingReplies = new Map<string, (answer: unknown) => void>()
  const subscribed = subscriber.subscribe(replyTo)
  subscribed.catch(() => {})
  subscriber.on('message', (channel, text) => {
    if (channel !== replyTo) return
    const reply = parseMessage(replyMessage, text)
    if (reply !== null) pendingReplies.get(reply.id)?.(reply.answer)
  })
  /** Rejects when Redis is unreachable, or has twice not known the job although no answer came. */
  const rejectWhenLost = async (jobId: string, signal: AbortSignal): Promise<never> => {
    for (let misses = 0; misses < 2; ) {
      await sleep(lostJobCheckMs, null, { signal })
      const state = await withRedisTimeout(queue.getJobState(jobId), redisTimeoutMs)
      misses = state === 'unknown' ? misses + 1 : 0
    }
    throw new Error('Redis has lost the script query')
  }
  return {
    async query(query, timeoutMs) {
      const id = randomUUID()
      const answered = new Promise<unknown>((resolve) => pendingReplies.set(id, resolve))
      const done = new AbortController()
      try {
        await withRedisTimeout(subscribed, redisTimeoutMs)
        const added = queue.add('query', { id, replyTo, timeoutMs, query }, jobOptions)
        const job = await withRedisTimeout(added, redisTimeoutMs)
        const onTimeout = () => {
          // The job is removed, so that no runner works for a client that has given up.
          job.remove().catch(() => {})
          return new ScriptQueryTimeout(`no runner answered in ${timeoutMs} ms`)
        }
        const lost = rejectWhenLost(job.id ?? '', done.signal)
        const answer = await withRedisTimeout(Promise.race([answered, lost]), timeoutMs, onTimeout)
        return scriptAnswer.parse(answer)
      } finally {
        done.abort()
        pendingReplies.delete(id)
      }
    },
    close: () => closeQueue(queue),
  }
}

/** Serves `concurrency` queries at a time. The signal of `onQuery` aborts when the client has given up. */
export function serveScriptQueries(
  connection: Redis,
  commands: Redis,
  prefix: string,
  concurrency: number,
  onQuery: (query: ScriptQuery, signal: AbortSignal) => Promise<ScriptAnswer>,
): Worker {
  const serve = async ({ id, replyTo, timeoutMs, query }: QueryJob) => {
    const answer = await onQuery(scriptQuery.parse(query), AbortSignal.timeout(timeoutMs))
    const reply: ReplyMessage = { id, answer }
    await commands.publish(replyTo, JSON.stringify(reply))
  }
  return new Worker<QueryJob>(
    queueNames.scriptQueries,
    (job) => serve(job.data),
    workerOptions(connection, prefix, concurrency),
  )
}
