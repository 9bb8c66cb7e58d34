/**
 * Handlers that deploy a config which the database has already: rollback and clone. The values never leave the server, so both
 * also work for callers who may not see secret values.
 */
import { getAction } from '../../db/queries/actions.ts'
import { findDeploymentOverrides, readDeploymentOwner } from '../../db/queries/deployments.ts'
import { decide } from '../../domain/access/roles.ts'
import { headers } from '../../domain/endpoints.ts'
import { ApiError, noSuchDeployment } from '../../domain/errors.ts'
import { type ByLevel, type Override, overridesFromWire, type WireOverrides } from '../../domain/overrides.ts'
import type { Action } from '../../domain/schemas.ts'
import { updateBody } from '../../domain/schemas.ts'
import { requireRight } from '../auth/require-right.ts'
import { permissionsWithoutToken } from '../auth/tokens/token-identity.ts'
import { viewOf } from '../auth/view.ts'
import type { EndpointHandler, EndpointRequest } from '../http/endpoint-handler.ts'
import type { Services } from '../services.ts'
import { withFinalRefusals } from './final-refusals.ts'
import { parseIfMatch } from './lifecycle.ts'
import { submitAction } from './submit-action.ts'
import { parseWhenBusy, refuseWhenBusy } from './when-busy.ts'

/** Updates a deployment with the config of one of its actions. */
export const rollbackDeployment: EndpointHandler<'rollbackDeployment'> = (services, request) =>
  withFinalRefusals(services, request, async () => {
    const name = request.param('name')
    const { action_id } = request.body
    const revision = parseIfMatch(request.header(headers.ifMatch))
    const whenBusy = parseWhenBusy(request.header(headers.whenBusy))
    request.deadline.beginChecks()
    // Before the action is looked up: who may not update the deployment learns nothing about its history.
    await requireUpdate(services, request, name)
    const action = await readActionOf(services, name, action_id)
    const reason = request.actor.reason ?? `Rollback to the config of action ${action_id}.`
    return submitAction(
      services,
      { ...request, actor: { ...request.actor, reason } },
      {
        kind: 'update',
        name,
        overrides: requireValid(action, `The config of action ${action_id}`),
        hasValues: true,
        revision,
        whenBusy,
        details: { rollback_to_action_id: action_id },
      },
    )
  })

/** Creates a deployment with the config of another one. */
export const cloneDeployment: EndpointHandler<'cloneDeployment'> = (services, request) =>
  withFinalRefusals(services, request, async () => {
    const source = request.param('name')
    const { name } = request.body
    refuseWhenBusy(request.header(headers.whenBusy))
    requireRight(services.settings, request.identity, 'create', { name })
    request.deadline.beginChecks()
    const [found, owner] = await Promise.all([
      findDeploymentOverrides(services.db, source),
      readDeploymentOwner(services.db, source),
    ])
    if (found === null || owner === undefined) throw noSuchDeployment(source)
    requireSecretsOf(services, request, { name: source, owner }, name, found.overrides)
    const reason = request.actor.reason ?? `Clone of ${source}.`
    const { application, deployment } = found.overrides
    const wire = { app_overrides: [...application], deployment_overrides: [...deployment] }
    return submitAction(
      services,
      { ...request, actor: { ...request.actor, reason } },
      {
        kind: 'create',
        name,
        labels: request.body.labels,
        title: request.body.title,
        overrides: requireValid(wire, `The config of deployment ${source}`),
        hasValues: true,
        details: { cloned_from: source },
      },
    )
  })

async function requireUpdate(
  { db, settings }: Services,
  { identity }: Pick<EndpointRequest<'rollbackDeployment'>, 'identity'>,
  name: string,
): Promise<void> {
  const owner = await readDeploymentOwner(db, name)
  if (owner === undefined) throw noSuchDeployment(name)
  requireRight(settings, identity, 'update', { name, owner })
}

/** One error for an unknown action and for one of another deployment, which the caller may not see. */
async function readActionOf({ db }: Services, name: string, actionId: number): Promise<Action> {
  const action = await getAction(db, actionId).catch((error) => {
    if (error instanceof ApiError && error.code === 'no_such_action') return null
    throw error
  })
  if (action?.deployment === name) return action
  throw new ApiError(
    'no_such_action',
    `Deployment ${name} has no action ${actionId}: it is of another deployment, or the history has removed it with its config.`,
  )
}

/** A config of Octopod 1.6 may hold keys that no request may hold. */
function requireValid(
  { app_overrides, deployment_overrides }: WireOverrides<Override[]>,
  subject: string,
): ByLevel<Override[]> {
  const parsed = updateBody.safeParse({ app_overrides, deployment_overrides })
  if (parsed.success) return overridesFromWire(parsed.data)
  const problems = parsed.error.issues.slice(0, 3).map(({ message }) => message)
  throw new ApiError('bad_request', `${subject} cannot be deployed as it is: ${problems.join(' ')}`)
}

/**
 * Who may update the source can deploy its secrets there already. Who sees the secrets of the clone, but not those of the source,
 * would read them, also without the token of this request.
 */
function requireSecretsOf(
  { secrets, auth }: Services,
  { identity }: Pick<EndpointRequest<'cloneDeployment'>, 'identity'>,
  source: { name: string; owner: { issuer: string; subject: string } | null },
  name: string,
  overrides: ByLevel<readonly Override[]>,
): void {
  const keys = (['application', 'deployment'] as const).flatMap((level) =>
    secrets.hider.secretKeysOf(overrides[level]),
  )
  const { seesSecrets } = viewOf(identity)
  if (keys.length === 0 || seesSecrets(source.name)) return
  const mayUpdate = decide(identity.permissions, 'update', source).isAllowed
  const person = permissionsWithoutToken(identity, auth.permissions)
  const isSeen = person === null || viewOf({ permissions: person }).seesSecrets(name) || seesSecrets(name)
  if (mayUpdate && !isSeen) return
  const named = keys.slice(0, 10).join(', ') + (keys.length > 10 ? ' and others' : '')
  const notUpdatable = `${source.name} has secret values, which only somebody who may update it may copy: ${named}. Create ${name} with values of your own.`
  const notByToken = `${source.name} has secret values, which this token does not see: ${named}. Clone it with a token of a person, or create ${name} with values of your own.`
  const seenInClone = `You would see secret values of ${source.name} in ${name}: ${named}. Choose a name whose secrets you do not see, or ask somebody who may see those of ${source.name}.`
  const message = mayUpdate ? (person === null ? notByToken : seenInClone) : notUpdatable
  throw new ApiError('forbidden', message, { refused: { operation: 'see_secrets', deployment: source.name } })
}
