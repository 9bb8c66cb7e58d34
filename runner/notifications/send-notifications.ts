/**
 * Sends each status change to every receiver at least once. A receiver that is slow or away delays no other one; the
 * control script gets the changes of a deployment in their order, whatever the number of runners. Started by main.ts.
 */
import {
  claimDeliveries,
  type Delivery,
  deleteDelivery,
  failDelivery,
  releaseDelivery,
} from '../../db/queries/notifications/deliveries.ts'
import { distributeStatusChanges, type ReceiversOf } from '../../db/queries/notifications/status-changes.ts'
import { type PeriodicTask, startPeriodic } from '../../lib/periodic.ts'
import type { RunnerContext } from '../context.ts'
import { createReceivers, type Receiver } from './receivers.ts'
import { type DeliveryFailure, webhookTimeoutMs } from './send-webhook.ts'

const intervalMs = 1000
const policyIntervalMs = 5000
/** A sender that has lost its runner is ended by then. */
const holdMarginMs = 30_000

/** The times between attempts, in all about two days. */
const retryDelaysMs = [5, 30, 5 * 60, 30 * 60, 2 * 3600, 5 * 3600, 10 * 3600, 14 * 3600, 20 * 3600].map(
  (seconds) => seconds * 1000,
)

export function startNotifications(context: RunnerContext): PeriodicTask {
  const { db, logFailure, settings, shutdownSignal } = context
  const holdMs = Math.max(settings.CHECK_TIMEOUT + settings.KILL_GRACE, webhookTimeoutMs) + holdMarginMs
  const source = createReceivers(context)
  const sending = new Map<string, number>()
  const running = new Set<Promise<void>>()
  let receivers: Receiver[] = []
  let readAtMs = Number.NEGATIVE_INFINITY
  let isStopped = false

  const readReceivers = async (): Promise<ReceiversOf> => {
    receivers = await source.read()
    readAtMs = performance.now()
    return (event) => receivers.filter((receiver) => receiver.wants(event)).map(({ name }) => name)
  }
  const start = (delivery: Delivery) => {
    const receiver = receivers.find(({ name }) => name === delivery.receiver)
    if (receiver === undefined) return
    sending.set(receiver.name, (sending.get(receiver.name) ?? 0) + 1)
    const sent = send(context, receiver, delivery)
      .catch((error) => logFailure(error, 'a notification was sent, and this could not be stored'))
      .finally(() => {
        sending.set(receiver.name, (sending.get(receiver.name) ?? 1) - 1)
        running.delete(sent)
        task.runNow()
      })
    running.add(sent)
  }

  const task = startPeriodic(logFailure, 'notifications', intervalMs, async () => {
    // The others are distributed by the next rounds: what was distributed is not to wait for them.
    if ((await distributeStatusChanges(db, readReceivers)) > 0) task.runNow()
    if (performance.now() - readAtMs >= policyIntervalMs) await readReceivers()
    const capacities = receivers
      .map(({ name, concurrency, inOrder }) => ({
        receiver: name,
        free: concurrency - (sending.get(name) ?? 0),
        inOrder,
      }))
      .filter(({ free }) => free > 0)
    if (isStopped || shutdownSignal.aborted || capacities.length === 0) return
    for (const delivery of await claimDeliveries(db, context.runnerName, capacities, holdMs)) start(delivery)
  })
  return {
    runNow: task.runNow,
    // What is being sent may finish until scripts are interrupted.
    stop: async () => {
      isStopped = true
      await task.stop()
      await Promise.all(running)
    },
  }
}

async function send(context: RunnerContext, receiver: Receiver, delivery: Delivery): Promise<void> {
  const { db, log, runnerName } = context
  const { id, attempts, event } = delivery
  const failure = await receiver.send(delivery)
  if (failure === null) return deleteDelivery(db, id, runnerName)
  if (failure === 'interrupted') return releaseDelivery(db, id, runnerName)
  const retryAfterMs = nextAttemptMs(failure, attempts)
  log.warn(
    { receiver: receiver.name, deployment: event.deployment, attempts, error: failure.error },
    retryAfterMs === null
      ? 'a notification was given up'
      : 'a notification was not received; it is sent again',
  )
  await failDelivery(db, id, runnerName, failure.error, retryAfterMs)
}

/** Null: no attempt follows. `attempts`: so many were made. */
export function nextAttemptMs(
  { retryAfterMs = 0, isFinal = false }: DeliveryFailure,
  attempts: number,
  random = Math.random(),
): number | null {
  const delayMs = retryDelaysMs[attempts - 1]
  if (isFinal || delayMs === undefined) return null
  return Math.max(retryAfterMs, delayMs * (0.8 + random * 0.4))
}
