/**
 * Takes actions from the queue and executes a limited number of them at a time. A notification only wakes the runner:
 * while actions wait for a slot, the database chooses which one is next. Called by main.ts; recovery and retention
 * execute the actions that they find through it.
 */
import type { Redis } from 'ioredis'
import { type ClaimedAction, claim } from '../../db/queries/action-lifecycle.ts'
import { consumeActions } from '../../db/queue/action-queue.ts'
import { type ChangeEvent, queuedActionOf } from '../../domain/event.ts'
import { createSemaphore } from '../../lib/semaphore.ts'
import type { RunnerContext } from '../context.ts'
import { createClaimByTurn } from './claim-by-turn.ts'
import type { EndCheckOf } from './end-running-check.ts'
import { type ActionEnvironment, executeAction } from './execute-action.ts'

export type ActionWorker = {
  worker: ReturnType<typeof consumeActions>
  /** Executes the action that a change has queued, in the background. */
  executeQueued(change: ChangeEvent): void
  /** Executes an action in the background as soon as there is a free slot, or the one whose turn it is then. */
  execute(actionId: number): void
  /** Executes waiting actions in the background while there are free slots. Resolves when none is left to claim. */
  executeWaiting(): Promise<void>
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
  { onEnded, endCheckOf }: { onEnded: () => void; endCheckOf: EndCheckOf },
): ActionWorker {
  const { db, runnerName, settings, logFailure } = context
  const execute = (actionId: number) => inBackground(executeWhenFree(actionId, false))
  const executeQueued = (change: ChangeEvent) => {
    const queued = queuedActionOf(change)
    if (queued !== null) execute(queued)
  }
  const environment: ActionEnvironment = { context, running: new Map(), endCheckOf, executeQueued }
  const { running } = environment
  const turns = createClaimByTurn(context)
  const slots = createSemaphore(settings.ACTION_CONCURRENCY)
  let unnotified = 0

  /**
   * Claims an action and executes it in a slot that the caller has acquired. Null when there was none to claim.
   * `isNotified`: the worker of the queue counts it until it has ended.
   */
  const startInSlot = async (
    claimOne: () => Promise<ClaimedAction | null>,
    isNotified: boolean,
  ): Promise<{ ended: Promise<void> } | null> => {
    countUnnotified(isNotified ? 0 : 1)
    const freeSlot = () => {
      countUnnotified(isNotified ? 0 : -1)
      slots.release()
    }
    try {
      const claimedAtMs = performance.now()
      const action = await claimOne()
      if (action !== null) {
        turns.claimed(action)
        const ended = executeAction(environment, action, claimedAtMs).finally(freeSlot).then(onEnded)
        return { ended }
      }
    } catch (error) {
      freeSlot()
      throw error
    }
    freeSlot()
    return null
  }
  const executeWhenFree = async (actionId: number, isNotified: boolean): Promise<void> => {
    if (!(await slots.acquire())) return
    // The last free slot is given by turn, because other actions may wait for it.
    const isLastSlot = slots.available() === 0
    const claimOne = async () =>
      (isLastSlot ? null : await claim(db, actionId, runnerName, settings.LEASE)) ?? turns.claim()
    await (await startInSlot(claimOne, isNotified))?.ended
  }

  const executeWaiting = async (): Promise<void> => {
    while (slots.available() > 0 && (await slots.acquire())) {
      const started = await startInSlot(turns.claim, false)
      if (started === null) return
      // The next one follows in its slot, because no notification may arrive for it.
      inBackground(started.ended.then(executeWaiting))
    }
  }
  const inBackground = (execution: Promise<void>) =>
    void execution.catch((error) => logFailure(error, 'action execution failed'))

  const worker = consumeActions(connection, settings.REDIS_PREFIX, settings.ACTION_CONCURRENCY, (actionId) =>
    executeWhenFree(actionId, true),
  )
  /** A notification that this runner cannot execute soon stays in the queue for another one. */
  const countUnnotified = (change: number) => {
    unnotified += change
    worker.concurrency = Math.max(1, settings.ACTION_CONCURRENCY - unnotified)
  }
  return {
    worker,
    execute,
    executeQueued,
    executeWaiting,
    cancel: (actionId) => running.get(actionId)?.cancel(),
    freeSlots: slots.available,
    runningCount: () => running.size,
    stopTaking: slots.close,
    isIdle: () => slots.inUse() === 0,
  }
}
