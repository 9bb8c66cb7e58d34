/**
 * The header Octopod-When-Busy: what a request does when its deployment is busy. `wait` is decided by the transaction that accepts
 * the action; `replace` then ends what the action waits for. Called by the handlers that start an action.
 */
import { requestCancel } from '../../db/queries/cancel-action.ts'
import { readWait } from '../../db/queries/changes/last-action.ts'
import { stopWaiting } from '../../db/queries/checks.ts'
import { publishCancel, publishChange } from '../../db/redis/events.ts'
import { isActive, type WhenBusy, whenBusyModes } from '../../domain/actions.ts'
import { headers } from '../../domain/endpoints.ts'
import { ApiError, type ErrorCode } from '../../domain/errors.ts'
import { type ChangeEvent, queuedActionOf } from '../../domain/event.ts'
import { type RightTarget, requireRight } from '../auth/require-right.ts'
import type { EndpointRequest } from '../http/endpoint-handler.ts'
import { waitUntil } from '../http/wait-until.ts'
import type { Services } from '../services.ts'

/** Throws bad_request for an unknown value. */
export function parseWhenBusy(value: string | undefined): WhenBusy {
  const mode = whenBusyModes.find((one) => one === (value ?? 'fail').trim())
  if (mode !== undefined) return mode
  throw new ApiError('bad_request', `${headers.whenBusy} takes ${whenBusyModes.join(', ')}.`)
}

/** For requests that never wait. Throws bad_request. */
export function refuseWhenBusy(value: string | undefined): void {
  if (parseWhenBusy(value) !== 'fail')
    throw new ApiError(
      'bad_request',
      `${headers.whenBusy}: only an update, an archive, a restore and a rollback can wait. Leave the header out.`,
    )
}

type Request = Pick<EndpointRequest<'deleteDeployment'>, 'actor' | 'identity' | 'deadline'>

/** What an action waits for may end by itself and be followed by a check. */
const maxAttempts = 3

/**
 * Cancels what this action waits for, or ends the wait for a check. Does nothing when the action does not wait any more, nor to a
 * restore that has not begun: without it the deployment would be archived again, and the action could not start.
 */
export async function endWhatItWaitsFor(
  services: Services,
  request: Request,
  name: string,
  actionId: number,
): Promise<void> {
  for (let attempt = 1; attempt <= maxAttempts; attempt += 1) {
    const wait = await readWait(services.db, name)
    if (wait?.waitingId !== actionId) return
    if (wait.kind === 'restore' && wait.state === 'queued') return
    try {
      if (wait.id !== null && wait.state !== null && isActive(wait.state))
        return await cancel(services, request, wait.id)
      return await endCheck(services, request, name)
    } catch (error) {
      const hasChanged = error instanceof ApiError && changedMeanwhile.includes(error.code)
      if (!hasChanged) throw error
    }
  }
}

const changedMeanwhile: readonly ErrorCode[] = [
  'action_finished',
  'no_such_action',
  'busy',
  'invalid_transition',
]

async function cancel(services: Services, request: Request, actionId: number): Promise<void> {
  const { db, redis, settings } = services
  const { actor, identity, deadline } = request
  const require = (target: RightTarget) => requireRight(settings, identity, 'cancel', target)
  const { change, isClaimed } = await requestCancel(db, actionId, actor, require, deadline.beforeCommit)
  await publishAndNotify(services, change)
  if (isClaimed) await waitUntil(services, [publishCancel(redis, settings.REDIS_PREFIX, actionId)])
}

async function endCheck(services: Services, request: Request, name: string): Promise<void> {
  const { db, settings } = services
  const { actor, identity, deadline } = request
  const require = (target: RightTarget) => requireRight(settings, identity, 'stop_waiting', target)
  await publishAndNotify(
    services,
    await stopWaiting(db, name, actor, require, undefined, deadline.beforeCommit),
  )
}

/** Tells clients what has changed, and runners about an action that is queued now: the change may have started a waiting one. */
export async function publishAndNotify(services: Services, change: ChangeEvent | null): Promise<void> {
  if (change === null) return
  const { redis, settings } = services
  const queued = queuedActionOf(change)
  await waitUntil(services, [
    ...(queued === null ? [] : [notifyRunners(services, queued)]),
    publishChange(redis, settings.REDIS_PREFIX, change),
  ])
}

async function notifyRunners({ actionQueue, log }: Services, actionId: number): Promise<void> {
  if (await actionQueue.notify(actionId)) return
  log.warn({ actionId }, 'queue notification failed; the action will be found by polling')
}
