/**
 * Starts an action; create, update, archive, restore and cleanup share it. Rejects an invalid request before any work,
 * has config_check run while the user waits, enqueues the action, then notifies runners and clients.
 */
import { isDatabaseUnavailable } from '../../db/errors.ts'
import { readDeploymentState } from '../../db/queries/deployments.ts'
import { type ActionRequest, enqueueAction } from '../../db/queries/enqueue-action.ts'
import { findIdempotencyKey } from '../../db/queries/idempotency.ts'
import { publishChange } from '../../db/redis/events.ts'
import { actions } from '../../domain/actions.ts'
import type { EndpointName } from '../../domain/api-schema.ts'
import { headers } from '../../domain/endpoints.ts'
import { ApiError } from '../../domain/errors.ts'
import { noOverrides } from '../../domain/overrides.ts'
import { findUnmetCondition, unmetConditionError } from '../../domain/start-conditions.ts'
import type { EndpointRequest } from '../http/endpoint-handler.ts'
import { queryScripts } from '../http/query-scripts.ts'
import { waitUntil } from '../http/wait-until.ts'
import type { Services } from '../services.ts'

type ActionInput = Pick<ActionRequest, 'kind' | 'name' | 'overrides' | 'revision'>
type Request = Pick<EndpointRequest<EndpointName>, 'actor' | 'idempotencyKey' | 'deadline'>

/**
 * Answers when the action is accepted, which means that its transaction has committed. Throws an ApiError otherwise.
 */
export async function submitAction(
  services: Services,
  { actor, idempotencyKey, deadline }: Request,
  input: ActionInput,
): Promise<Response> {
  const { db, redis, settings, shutdownSignal } = services
  if (shutdownSignal.aborted)
    throw new ApiError('shutting_down', 'This server is shutting down; send it again.')

  deadline.beginChecks()
  const findEarlier = async () => (idempotencyKey ? findIdempotencyKey(db, idempotencyKey) : null)
  const earlier = await findEarlier()
  if (earlier !== null) return acceptedResponse(earlier.actionId ?? 0)

  let configChecked = false
  if (actions[input.kind].runsConfigCheck) {
    try {
      configChecked = await runConfigCheck(services, input, deadline)
    } catch (error) {
      // Of the same request sent twice, one may be rejected because of the action that the other has just started.
      const concurrent = isDatabaseUnavailable(error) ? null : await findEarlier()
      if (concurrent === null) throw error
      return acceptedResponse(concurrent.actionId ?? 0)
    }
  }

  await deadline.beforeCommit()
  const enqueued = await enqueueAction(db, { ...input, ...actor, key: idempotencyKey, configChecked })
  if (enqueued.change !== null) {
    await waitUntil(services, [
      notifyRunners(services, enqueued.actionId),
      publishChange(redis, settings.REDIS_PREFIX, enqueued.change),
    ])
  }
  return acceptedResponse(enqueued.actionId)
}

/**
 * Checks the request against the current state, then has config_check run. Returns false when it could not run because
 * Redis is unreachable; the runner then runs it before the script.
 */
async function runConfigCheck(
  services: Services,
  input: ActionInput,
  deadline: Request['deadline'],
): Promise<boolean> {
  const { name } = input
  const current = await readDeploymentState(services.db, name)
  const condition = findUnmetCondition(input, current)
  if (condition !== null) throw unmetConditionError(condition, input, current?.status ?? null)
  const { application, deployment } = input.overrides ?? current?.overrides ?? noOverrides
  const target = { name, overrides: { application: [...application], deployment: [...deployment] } }
  const answer = await queryScripts(services, { type: 'config_check', target }, deadline)
  if (answer === 'unreachable') return false
  if (answer.status === 'rejected') throw new ApiError('config_rejected', answer.message, { plain: true })
  if (answer.status === 'failed') throw new ApiError('script_failed', answer.message)
  return true
}

async function notifyRunners({ actionQueue, log }: Services, actionId: number): Promise<void> {
  if (await actionQueue.notify(actionId)) return
  log.warn({ actionId }, 'queue notification failed; the action will be found by polling')
}

/** The answer of Octopod 1.6, with the id of the action, if there is one, in a header. */
export function acceptedResponse(actionId: number): Response {
  return Response.json(
    { tag: 'Success' },
    { headers: actionId > 0 ? { [headers.actionId]: String(actionId) } : {} },
  )
}
