/**
 * The bell (law 1) and the questions (law 8): what servers put into BullMQ and runners take out. Ringing comes after
 * the commit, is bounded in time, and its failure changes nothing: runners also look in PostgreSQL.
 */

import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { Queue, Worker } from 'bullmq'
import type { Redis } from 'ioredis'
import { z } from 'zod'
import {
  type ActionJob,
  actionJob,
  type ScriptAnswer,
  type ScriptQuery,
  scriptAnswer,
  scriptQuery,
} from '../../domain/queue-messages.ts'
import { withTimeout } from '../../lib/with-timeout.ts'
import { parseMessage } from '../redis/events.ts'
import { channelNames, queueNames } from '../redis/redis-keys.ts'

/** How often is looked after a question under way: one that was lost must not hold up who asked it. */
const lostJobCheckMs = 300

const jobOptions = { attempts: 1, removeOnComplete: true, removeOnFail: true } as const

export type ActionQueue = { notify(actionId: number): Promise<boolean>; close(): Promise<void> }

/** Opens the bell. `ring` resolves in at most `timeoutMs` and never rejects: false means "not known to have rung". */
export function createActionQueue(connection: Redis, prefix: string, timeoutMs = 1000): ActionQueue {
  const queue = new Queue<ActionJob>(queueNames.actions, {
    connection,
    prefix,
    skipWaitingForReady: true,
    skipMetasUpdate: true,
  })
  queue.on('error', () => {})
  return {
    notify: (actionId) =>
      // Ids of our own would let a kept job swallow a second ring; BullMQ's are unique.
      bounded(queue.add('action', { actionId }, jobOptions), timeoutMs).then(
        () => true,
        () => false,
      ),
    close: () => closeQueue(queue, 1000),
  }
}

export function consumeActions(
  connection: Redis,
  prefix: string,
  concurrency: number,
  onAction: (actionId: number) => Promise<void>,
): Worker {
  return new Worker(queueNames.actions, async (job) => onAction(actionJob.parse(job.data).actionId), {
    connection,
    prefix,
    concurrency,
    maxStalledCount: 0,
    removeOnComplete: { count: 0 },
    removeOnFail: { count: 0 },
  })
}

/**
 * `ask` rejects with {@link ScriptQueryTimeout} when no runner answered in time; with another error when Redis is away, goes away while
 * one waits, or has lost the question.
 */
export type ScriptQueryClient = {
  query(question: ScriptQuery, timeoutMs: number): Promise<ScriptAnswer>
  close(): Promise<void>
}

export class ScriptQueryTimeout extends Error {
  override name = 'ScriptQueryTimeout'
}

/** `timeoutMs`: how long the asker waits. */
type QueryJob = { id: string; replyTo: string; timeoutMs: number; query: ScriptQuery }
const replyMessage = z.object({ id: z.string(), answer: z.unknown() })
type ReplyMessage = z.infer<typeof replyMessage>

export function createScriptQueryClient(
  connection: Redis,
  subscriber: Redis,
  prefix: string,
): ScriptQueryClient {
  const queue = new Queue<QueryJob>(queueNames.scriptQueries, {
    connection,
    prefix,
    skipWaitingForReady: true,
    skipMetasUpdate: true,
  })
  queue.on('error', () => {})
  const replyTo = channelNames(prefix).replies(randomUUID())
  const pendingReplies = new Map<string, (reply: unknown) => void>()
  const subscribed = subscriber.subscribe(replyTo)
  subscribed.catch(() => {})
  subscriber.on('message', (channel, message) => {
    if (channel !== replyTo) return
    const given = parseMessage(replyMessage, message)
    if (given !== null) pendingReplies.get(given.id)?.(given.answer)
  })
  /** Rejects when Redis cannot be asked any more, or does not know the question any more though no answer has come. */
  const failWhenLost = async (jobId: string, over: AbortSignal): Promise<never> => {
    for (let missed = 0; missed < 2; ) {
      await sleep(lostJobCheckMs, null, { signal: over })
      missed = (await bounded(queue.getJobState(jobId), 1000)) === 'unknown' ? missed + 1 : 0
    }
    throw new Error('Redis has lost the question')
  }
  return {
    async query(asked, timeoutMs) {
      const id = randomUUID()
      const answered = new Promise<unknown>((resolve) => pendingReplies.set(id, resolve))
      const over = new AbortController()
      try {
        await bounded(subscribed, 1000)
        const job = await bounded(
          queue.add('question', { id, replyTo, timeoutMs, query: asked }, jobOptions),
          1000,
        )
        const late = () => {
          // Taken back, so that nobody works for an asker who has gone; no clocks of two machines are compared.
          job.remove().catch(() => {})
          return new ScriptQueryTimeout(`no runner answered in ${timeoutMs} ms`)
        }
        const lost = failWhenLost(job.id ?? '', over.signal)
        return scriptAnswer.parse(await bounded(Promise.race([answered, lost]), timeoutMs, late))
      } finally {
        over.abort()
        pendingReplies.delete(id)
      }
    },
    close: () => closeQueue(queue, 1000),
  }
}

/** Answers questions, `concurrency` at a time; the signal aborts when the asker has surely given up. */
export function serveScriptQueries(
  connection: Redis,
  commands: Redis,
  prefix: string,
  concurrency: number,
  onQuery: (question: ScriptQuery, signal: AbortSignal) => Promise<ScriptAnswer>,
): Worker {
  const handle = async ({ id, replyTo, timeoutMs, query: asked }: QueryJob) => {
    const message: ReplyMessage = {
      id,
      answer: await onQuery(scriptQuery.parse(asked), AbortSignal.timeout(timeoutMs)),
    }
    await commands.publish(replyTo, JSON.stringify(message))
  }
  return new Worker<QueryJob>(queueNames.scriptQueries, (job) => handle(job.data), {
    connection,
    prefix,
    concurrency,
    maxStalledCount: 0,
    removeOnComplete: { count: 0 },
    removeOnFail: { count: 0 },
  })
}

/**
 * Takes nothing more from now on. `close()` hangs while Redis is away (measured), and `close(true)` after it is the same promise: it
 * is given up a moment after its work is `done`.
 */
export async function closeWorker(worker: Worker, done: Promise<unknown>): Promise<void> {
  const closed = worker.close().catch(() => {})
  await Promise.race([closed, done])
  await withTimeout(closed, 1000, () => {})
}

async function closeQueue(queue: Queue, ms: number): Promise<void> {
  await withTimeout(
    queue.close().catch(() => {}),
    ms,
    () => {},
  )
}

function bounded<T>(
  work: Promise<T>,
  ms: number,
  createError = () => new Error(`Redis did not answer in ${ms} ms`),
): Promise<T> {
  return withTimeout(work, ms, () => {
    throw createError()
  })
}
