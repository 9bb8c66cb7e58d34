/**
 * Handlers that change a deployment: create, update, archive, restore and cleanup start an action; delete removes the
 * record and stop-waiting changes the status, without a script.
 */
import { setOwner as writeOwner } from '../../db/queries/access/owners.ts'
import { requirePerson } from '../../db/queries/access/people.ts'
import { changeLabels as writeLabels } from '../../db/queries/changes/labels.ts'
import { stopWaiting as stopWaitingFor } from '../../db/queries/checks.ts'
import { deleteDeployment as deleteRecord } from '../../db/queries/delete-deployment.ts'
import { readDeploymentOwner } from '../../db/queries/deployments.ts'
import { type BeginWrite, readRequestContext } from '../../db/queries/idempotency.ts'
import { headers } from '../../domain/endpoints.ts'
import { ApiError } from '../../domain/errors.ts'
import type { ChangeEvent } from '../../domain/event.ts'
import { overridesFromWire } from '../../domain/overrides.ts'
import { type RightTarget, requireRight } from '../auth/require-right.ts'
import type { EndpointHandler, EndpointRequest } from '../http/endpoint-handler.ts'
import type { Services } from '../services.ts'
import { acceptedResponse, withFinalRefusals } from './final-refusals.ts'
import { submitAction } from './submit-action.ts'
import { parseWhenBusy, publishAndNotify, refuseWhenBusy } from './when-busy.ts'

export const createDeployment: EndpointHandler<'createDeployment'> = async (services, request) => {
  refuseWhenBusy(request.header(headers.whenBusy))
  return submitAction(services, request, {
    kind: 'create',
    name: request.body.name,
    labels: request.body.labels,
    title: request.body.title,
    overrides: overridesFromWire(request.body),
  })
}

/** The body is the whole new set of overrides. With If-Match it is rejected when the overrides have changed since. */
export const updateDeployment: EndpointHandler<'updateDeployment'> = async (services, request) =>
  submitAction(services, request, {
    kind: 'update',
    name: request.param('name'),
    overrides: overridesFromWire(request.body),
    revision: parseIfMatch(request.header(headers.ifMatch)),
    whenBusy: parseWhenBusy(request.header(headers.whenBusy)),
  })

export const archiveDeployment: EndpointHandler<'archiveDeployment'> = async (services, request) =>
  submitAction(services, request, {
    kind: 'archive',
    name: request.param('name'),
    whenBusy: parseWhenBusy(request.header(headers.whenBusy)),
  })

export const restoreDeployment: EndpointHandler<'restoreDeployment'> = async (services, request) =>
  submitAction(services, request, {
    kind: 'restore',
    name: request.param('name'),
    whenBusy: parseWhenBusy(request.header(headers.whenBusy)),
  })

export const cleanupDeployment: EndpointHandler<'cleanupDeployment'> = async (services, request) => {
  refuseWhenBusy(request.header(headers.whenBusy))
  return submitAction(services, request, { kind: 'cleanup', name: request.param('name') })
}

/** A repeated request changes nothing. */
export const stopWaiting: EndpointHandler<'stopWaiting'> = (services, request) =>
  changeRecord(services, request, (begin) => {
    const { param, actor, identity, idempotencyKey } = request
    const require = (target: RightTarget) => requireRight(services.settings, identity, 'stop_waiting', target)
    return stopWaitingFor(services.db, param('name'), actor, require, idempotencyKey, begin)
  })

export const deleteDeployment: EndpointHandler<'deleteDeployment'> = async (services, request) => {
  refuseWhenBusy(request.header(headers.whenBusy))
  return changeRecord(services, request, (begin) =>
    deleteRecord(services.db, request.param('name'), request.actor, request.idempotencyKey, begin),
  )
}

/** The new owner is somebody who has signed in, or nobody. */
export const setOwner: EndpointHandler<'setOwner'> = async (services, request) => {
  const { param, body, identity, idempotencyKey, actor } = request
  const present = await readDeploymentOwner(services.db, param('name'))
  // Before the person is looked up: who may not change the owner does not learn who is known here.
  if (present !== undefined)
    requireRight(services.settings, identity, 'change_owner', { name: param('name'), owner: present })
  const owner = body.owner === null ? null : await requirePerson(services.db, body.owner)
  const require = (target: RightTarget) => requireRight(services.settings, identity, 'change_owner', target)
  return changeRecord(services, request, (begin) =>
    writeOwner(services.db, param('name'), owner, actor, require, idempotencyKey, begin),
  )
}

/** Labels and title together: all of the change, or nothing of it. */
export const changeLabels: EndpointHandler<'changeLabels'> = (services, request) =>
  changeRecord(services, request, (begin) => {
    const { param, body, actor, identity, idempotencyKey } = request
    const require = (target: RightTarget) => requireRight(services.settings, identity, 'label', target)
    return writeLabels(services.db, param('name'), body, actor, require, idempotencyKey, begin)
  })

/** A change that starts no action. */
function changeRecord(
  services: Services,
  request: Pick<EndpointRequest<'deleteDeployment'>, 'idempotencyKey' | 'deadline'>,
  write: (begin: BeginWrite) => Promise<ChangeEvent | null>,
): Promise<Response> {
  return withFinalRefusals(services, request, async () => {
    const { db } = services
    const { idempotencyKey, deadline } = request
    deadline.beginChecks()
    const { databaseTimeMs, accepted } = await readRequestContext(db, idempotencyKey)
    deadline.setDatabaseTime(databaseTimeMs)
    if (accepted !== null) return acceptedResponse(0)
    const change = await write(deadline.beforeCommit)
    await publishAndNotify(services, change)
    return acceptedResponse(0)
  })
}

/** Returns the revision that the client has read; undefined without the header and for `*`, which stands for any. */
export function parseIfMatch(tag: string | undefined): number | undefined {
  if (tag === undefined || tag.trim() === '*') return undefined
  const [, revision] = /^\s*"(\d{1,15})"\s*$/.exec(tag) ?? []
  if (revision !== undefined) return Number(revision)
  throw new ApiError(
    'bad_request',
    'If-Match takes the revision of the deployment in quotes, as in If-Match: "1207".',
  )
}
