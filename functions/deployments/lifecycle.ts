/**
 * Handlers that change a deployment: create, update, archive, restore and cleanup start an action; delete removes the
 * record without a script.
 */
import { stopWaiting as stopWaitingFor } from '../../db/queries/checks.ts'
import { deleteDeployment as deleteRecord } from '../../db/queries/delete-deployment.ts'
import { publishChange } from '../../db/redis/events.ts'
import { headers } from '../../domain/endpoints.ts'
import { ApiError } from '../../domain/errors.ts'
import { overridesFromWire } from '../../domain/overrides.ts'
import type { EndpointHandler } from '../http/endpoint-handler.ts'
import { waitUntil } from '../http/wait-until.ts'
import { acceptedResponse, submitAction } from './submit-action.ts'

export const createDeployment: EndpointHandler<'createDeployment'> = (services, request) =>
  submitAction(services, request, {
    kind: 'create',
    name: request.body.name,
    overrides: overridesFromWire(request.body),
  })

/** The body is the whole new set of overrides. With If-Match it is rejected when the overrides have changed since. */
export const updateDeployment: EndpointHandler<'updateDeployment'> = (services, request) =>
  submitAction(services, request, {
    kind: 'update',
    name: request.param('name'),
    overrides: overridesFromWire(request.body),
    revision: parseIfMatch(request.header(headers.ifMatch)),
  })

export const archiveDeployment: EndpointHandler<'archiveDeployment'> = (services, request) =>
  submitAction(services, request, { kind: 'archive', name: request.param('name') })

export const restoreDeployment: EndpointHandler<'restoreDeployment'> = (services, request) =>
  submitAction(services, request, { kind: 'restore', name: request.param('name') })

export const cleanupDeployment: EndpointHandler<'cleanupDeployment'> = (services, request) =>
  submitAction(services, request, { kind: 'cleanup', name: request.param('name') })

/** Starts no action: only the status changes. A repeated request changes nothing. */
export const stopWaiting: EndpointHandler<'stopWaiting'> = async (services, request) => {
  const { db, redis, settings } = services
  const { param, actor, idempotencyKey, deadline } = request
  const change = await stopWaitingFor(db, param('name'), actor.actor, idempotencyKey, deadline.beforeCommit)
  if (change !== null) await waitUntil(services, [publishChange(redis, settings.REDIS_PREFIX, change)])
  return acceptedResponse(0)
}

export const deleteDeployment: EndpointHandler<'deleteDeployment'> = async (services, request) => {
  const { db, redis, settings } = services
  const change = await deleteRecord(db, request.param('name'), request.idempotencyKey)
  if (change !== null) await waitUntil(services, [publishChange(redis, settings.REDIS_PREFIX, change)])
  return acceptedResponse(0)
}

/** Returns the revision that the client has read; undefined without the header and for `*`, which stands for any. */
function parseIfMatch(tag: string | undefined): number | undefined {
  if (tag === undefined || tag.trim() === '*') return undefined
  const [, revision] = /^\s*"(\d{1,15})"\s*$/.exec(tag) ?? []
  if (revision !== undefined) return Number(revision)
  throw new ApiError(
    'bad_request',
    'If-Match takes the revision of the deployment in quotes, as in If-Match: "1207".',
  )
}
