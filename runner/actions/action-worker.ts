/**
 * Takes actions from the queue and executes a limited number of them at a time. Called by main.ts; recovery and
 * retention execute the actions that they find through it.
 */
import type { Redis } from 'ioredis'
import { consumeActions } from '../../db/queue/action-queue.ts'
import { createSemaphore } from '../../lib/semaphore.ts'
import type { RunnerContext } from '../context.ts'
import { executeAction, type RunningActions } from './execute-action.ts'

export type ActionWorker = {
  worker: ReturnType<typeof consumeActions>
  /** Executes an action in the background as soon as there is a free slot. */
  execute(actionId: number): void
  cancel(actionId: number): void
  freeSlots(): number
  runningCount(): number
  /** No further action is claimed. */
  stopTaking(): void
  /** True when no action runs or is being claimed. */
  isIdle(): boolean
}

/** `onEnded` is called after each action. */
export function startActionWorker(
  context: RunnerContext,
  connection: Redis,
  onEnded: () => void,
): ActionWorker {
  const { settings, log } = context
  const running: RunningActions = new Map()
  const semaphore = createSemaphore(settings.ACTION_CONCURRENCY)

  const executeWhenFree = async (actionId: number) => {
    if (!(await semaphore.acquire())) return
    await executeAction(context, running, actionId).finally(semaphore.release)
    onEnded()
  }
  return {
    worker: consumeActions(connection, settings.REDIS_PREFIX, settings.ACTION_CONCURRENCY, executeWhenFree),
    execute: (actionId) =>
      void executeWhenFree(actionId).catch((error) =>
        log.error({ err: error, actionId }, 'action execution failed'),
      ),
    cancel: (actionId) => running.get(actionId)?.cancel(),
    freeSlots: semaphore.available,
    runningCount: () => running.size,
    stopTaking: semaphore.close,
    isIdle: () => semaphore.inUse() === 0,
  }
}
