/** Options, counting and closing of BullMQ queues and workers. Used by action-queue.ts and script-queries.ts. */
import { Queue, type QueueOptions, type Worker, type WorkerOptions } from 'bullmq'
import type { Redis } from 'ioredis'
import { withTimeout } from '../../lib/with-timeout.ts'

/** A lost or failed job is not retried: the recovery in PostgreSQL or the caller decides. */
export const jobOptions = { attempts: 1, removeOnComplete: true, removeOnFail: true } as const

export function createQueue<T>(name: string, connection: Redis, prefix: string): Queue<T> {
  const options: QueueOptions = { connection, prefix, skipWaitingForReady: true, skipMetasUpdate: true }
  const queue = new Queue<T>(name, options)
  // Callers see the errors of their own commands.
  queue.on('error', () => {})
  return queue
}

export const workerOptions = (connection: Redis, prefix: string, concurrency: number): WorkerOptions => ({
  connection,
  prefix,
  concurrency,
  maxStalledCount: 0,
  removeOnComplete: { count: 0 },
  removeOnFail: { count: 0 },
})

/**
 * Stops taking jobs and waits for the running ones. `close()` hangs while Redis is unreachable, and a later
 * `close(true)` returns the same promise; so the wait ends one second after `jobsDone`.
 */
export async function closeWorker(worker: Worker, jobsDone: Promise<unknown>): Promise<void> {
  const closed = worker.close().catch(() => {})
  await Promise.race([closed, jobsDone])
  await withTimeout(closed, 1000, () => {})
}

export async function closeQueue(queue: Queue): Promise<void> {
  const closed = queue.close().catch(() => {})
  await withTimeout(closed, 1000, () => {})
}

/** The number of connected workers; null when Redis does not answer or does not list its clients. */
export const countWorkers = (queue: Queue, timeoutMs: number): Promise<number | null> =>
  withRedisTimeout(queue.getWorkersCount(), timeoutMs).catch(() => null)

/** Rejects with the error of `createError` when Redis does not answer in time. */
export function withRedisTimeout<T>(
  work: Promise<T>,
  timeoutMs: number,
  createError = () => new Error(`Redis did not answer in ${timeoutMs} ms`),
): Promise<T> {
  return withTimeout(work, timeoutMs, () => {
    throw createError()
  })
}
