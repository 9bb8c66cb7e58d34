/**
 * A refusal is final: once a client is told that its request is refused, no earlier request with the same
 * Idempotency-Key acts any more, wherever it waits. Called by the handlers that start an action or delete a deployment.
 */
import { refuseEarlierRequests } from '../../db/queries/idempotency.ts'
import { headers } from '../../domain/endpoints.ts'
import { ApiError } from '../../domain/errors.ts'
import type { EndpointRequest } from '../http/endpoint-handler.ts'
import type { Services } from '../services.ts'

/**
 * Runs a handler. When it refuses a request with a key, all requests with the key that arrived before are refused too.
 * When one of them was accepted meanwhile, the client gets its answer: of the same request sent twice, one may be
 * refused because of the action that the other has just started.
 */
export async function withFinalRefusals(
  { db }: Pick<Services, 'db'>,
  { idempotencyKey }: Pick<EndpointRequest<'deleteDeployment'>, 'idempotencyKey'>,
  handler: () => Promise<Response>,
): Promise<Response> {
  try {
    return await handler()
  } catch (error) {
    // After service_unavailable the client sends the request again; deployment_gone is about an accepted one.
    const isRefusal =
      error instanceof ApiError && error.code !== 'service_unavailable' && error.code !== 'deployment_gone'
    if (idempotencyKey === undefined || !isRefusal) throw error
    const accepted = await refuseEarlierRequests(db, idempotencyKey)
    if (accepted === null) throw error
    return acceptedResponse(accepted.actionId ?? 0)
  }
}

/** The answer of Octopod 1.6, with the id of the action, if there is one, in a header. */
export function acceptedResponse(actionId: number): Response {
  return Response.json(
    { tag: 'Success' },
    { headers: actionId > 0 ? { [headers.actionId]: String(actionId) } : {} },
  )
}
