/**
 * The BullMQ queue that notifies runners of queued actions. The notification comes after the commit, and its failure
 * changes nothing: every runner also polls PostgreSQL. Servers notify, runners consume.
 */
import { Worker } from 'bullmq'
import type { Redis } from 'ioredis'
import { type ActionJob, actionJob } from '../../domain/queue-messages.ts'
import { queueNames } from '../redis/redis-keys.ts'
import {
  closeQueue,
  countWorkers,
  createQueue,
  jobOptions,
  withRedisTimeout,
  workerOptions,
} from './bullmq.ts'

/** `notify` never rejects. It resolves to false when Redis did not confirm the job within the time limit. */
export type ActionQueue = {
  notify(actionId: number): Promise<boolean>
  /** The number of connected runners; null when Redis does not answer or does not list its clients. */
  countRunners(): Promise<number | null>
  close(): Promise<void>
}

export function createActionQueue(connection: Redis, prefix: string, timeoutMs = 1000): ActionQueue {
  const queue = createQueue<ActionJob>(queueNames.actions, connection, prefix)
  return {
    notify: (actionId) =>
      // BullMQ chooses the job id. With the action's id, a job that is still stored would swallow the next
      // notification.
      withRedisTimeout(queue.add('action', { actionId }, jobOptions), timeoutMs).then(
        () => true,
        () => false,
      ),
    countRunners: () => countWorkers(queue, timeoutMs),
    close: () => closeQueue(queue),
  }
}

export function consumeActions(
  connection: Redis,
  prefix: string,
  concurrency: number,
  onAction: (actionId: number) => Promise<void>,
): Worker {
  return new Worker(
    queueNames.actions,
    async (job) => onAction(actionJob.parse(job.data).actionId),
    workerOptions(connection, prefix, concurrency),
  )
}
