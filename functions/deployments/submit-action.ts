/**
 * What create, update, archive, restore and cleanup share: refuse early what cannot be, ask config_check while the
 * user waits, begin, tell everybody, ring the bell. Steps 3 to 5 of the flow.
 */

import { isDatabaseUnavailable } from '../../db/errors.ts'
import { readDeploymentState } from '../../db/peek.ts'
import {
  type ActionRequest,
  enqueueAction,
  type Overrides,
  preconditionFailed,
} from '../../db/queries/enqueue-action.ts'
import { findIdempotencyKey } from '../../db/queries/idempotency.ts'
import { publishChange } from '../../db/redis/events.ts'
import { actions, canStart, invalidTransitionMessage } from '../../domain/actions.ts'
import type { EndpointName } from '../../domain/api-schema.ts'
import { headers } from '../../domain/endpoints.ts'
import { ApiError } from '../../domain/errors.ts'
import type { Override } from '../../domain/overrides.ts'
import type { EndpointRequest } from '../http/endpoint-handler.ts'
import { queryScripts } from '../http/query-scripts.ts'
import { waitUntil } from '../http/wait-until.ts'
import type { Services } from '../services.ts'

type ActionInput = Pick<ActionRequest, 'kind' | 'name' | 'overrides' | 'revision'>
type Submitter = Pick<
  EndpointRequest<EndpointName>,
  'actor' | 'idempotencyKey' | 'beforeCommit' | 'duringScriptCall'
>

/** Answers once the action is accepted: its transaction has committed. Throws a Refusal otherwise. */
export async function submitAction(
  services: Services,
  request: Submitter,
  input: ActionInput,
): Promise<Response> {
  const { actor, idempotencyKey } = request
  if (services.shutdownSignal.aborted)
    throw new ApiError('shutting_down', 'This server is shutting down; send it again.')
  const { earlier, configChecked } = await request.beforeCommit(() => prepare(services, request, input))
  if (earlier !== null) return acceptedResponse(earlier.actionId ?? 0)
  const { actionId, change } = await enqueueAction(services.db, {
    ...input,
    ...actor,
    key: idempotencyKey,
    configChecked,
  })
  if (change !== null) {
    const { redis, settings } = services
    await waitUntil(services, [
      notifyRunners(services, actionId),
      publishChange(redis, settings.REDIS_PREFIX, change),
    ])
  }
  return acceptedResponse(actionId)
}

/** What can be known before it begins: what its key did before, and whether it is refused. */
async function prepare(
  services: Services,
  { idempotencyKey, duringScriptCall }: Submitter,
  input: ActionInput,
) {
  const earlier = idempotencyKey ? await findIdempotencyKey(services.db, idempotencyKey) : null
  if (earlier !== null || !actions[input.kind].runsConfigCheck) return { earlier, configChecked: false }
  try {
    return { earlier: null, configChecked: await runConfigCheck(services, duringScriptCall, input) }
  } catch (error) {
    // Nor would the database tell of the key.
    if (isDatabaseUnavailable(error)) throw error
    // The same request, sent twice at once: what refuses this one may be what the other one has just begun.
    const concurrent = idempotencyKey ? await findIdempotencyKey(services.db, idempotencyKey) : null
    if (concurrent === null) throw error
    return { earlier: concurrent, configChecked: false }
  }
}

async function notifyRunners({ actionQueue, log }: Services, actionId: number): Promise<void> {
  if (await actionQueue.notify(actionId)) return
  log.warn({ actionId }, 'the bell could not be rung; a runner will find the action by itself')
}

export function acceptedResponse(actionId: number): Response {
  return Response.json(
    { tag: 'Success' },
    { headers: actionId > 0 ? { [headers.actionId]: String(actionId) } : {} },
  )
}

/** True: config_check said yes. False: it could not be asked (Redis is away); the runner asks before the script. */
async function runConfigCheck(
  services: Services,
  asking: Submitter['duringScriptCall'],
  input: ActionInput,
): Promise<boolean> {
  const { kind, name } = input
  const current = await readDeploymentState(services.db, name)
  if (kind === 'create') {
    if (current !== null) throw new ApiError('name_taken', `Deployment ${name} already exists.`)
  } else {
    if (current === null) throw new ApiError('no_such_deployment', `There is no deployment ${name}.`)
    if (current.busy) throw new ApiError('busy', `Deployment ${name} is currently being processed.`)
    if (!canStart(kind, current.status))
      throw new ApiError('impossible_move', invalidTransitionMessage(kind, name, current.status))
    if (input.revision !== undefined && current.configRevision > input.revision)
      throw preconditionFailed(name)
  }
  const overrides: Overrides = input.overrides ?? {
    app: current?.appOverrides ?? [],
    deployment: current?.deploymentOverrides ?? [],
  }
  const target = {
    name,
    appOverrides: [...overrides.app] as Override[],
    deploymentOverrides: [...overrides.deployment] as Override[],
  }
  const answer = await asking(() => queryScripts(services, { ask: 'config_check', target }))
  if (answer === 'away') return false
  if (answer.is === 'refused') throw new ApiError('config_refused', answer.message, { plain: true })
  if (answer.is === 'failed') throw new ApiError('script_failed', answer.message)
  return true
}
