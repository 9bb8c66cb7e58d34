/**
 * Starts an action; create, update, archive, restore and cleanup share it. Rejects an invalid request before any work,
 * has config_check run while the user waits, enqueues the action, then notifies runners and clients.
 */
import type { DeploymentState } from '../../db/queries/deployments.ts'
import { type ActionRequest, enqueueAction } from '../../db/queries/enqueue-action.ts'
import {
  type AcceptedRequest,
  isCreatedDeploymentGone,
  readRequestContext,
} from '../../db/queries/idempotency.ts'
import { actions } from '../../domain/actions.ts'
import type { EndpointName } from '../../domain/api-schema.ts'
import { describeConfigChanges } from '../../domain/audit/config-changes.ts'
import type { AuditDetails } from '../../domain/audit/operations.ts'
import { ApiError } from '../../domain/errors.ts'
import { noOverrides } from '../../domain/overrides.ts'
import { findUnmetCondition, unmetConditionError } from '../../domain/start-conditions.ts'
import { requireRight, requireScope } from '../auth/require-right.ts'
import { viewOf } from '../auth/view.ts'
import type { EndpointRequest } from '../http/endpoint-handler.ts'
import { badName } from '../http/parse-request.ts'
import { queryScripts } from '../http/query-scripts.ts'
import { hideValues } from '../secrets/hide-secrets.ts'
import { restoreOverrides } from '../secrets/restore-secrets.ts'
import type { Services } from '../services.ts'
import { acceptedResponse, withFinalRefusals } from './final-refusals.ts'
import { endWhatItWaitsFor, publishAndNotify } from './when-busy.ts'

/** `details`: more for the audit log. `hasValues`: the overrides are from the database, so they hold no references. */
export type ActionInput = Pick<
  ActionRequest,
  'kind' | 'name' | 'overrides' | 'labels' | 'title' | 'revision' | 'whenBusy' | 'isBulk'
> & {
  details?: AuditDetails
  hasValues?: true
}
type Request = Pick<
  EndpointRequest<EndpointName>,
  'actor' | 'identity' | 'identifyAgain' | 'idempotencyKey' | 'deadline' | 'caller' | 'signal'
>

/**
 * Answers when the action is accepted, which means that its transaction has committed. Throws an ApiError otherwise.
 */
export async function submitAction(
  services: Services,
  request: Request,
  input: ActionInput,
): Promise<Response> {
  const { settings, shutdownSignal } = services
  if (shutdownSignal.aborted)
    throw new ApiError('shutting_down', 'This server is shutting down; send it again.')

  const nameError = input.kind === 'create' ? badName(input.name, settings.NAME_MAX_LENGTH) : null
  if (nameError !== null) throw nameError
  return withFinalRefusals(services, request, async () => {
    requireRight(settings, request.identity, input.kind, { name: input.name })
    for (let attempt = 1; ; attempt += 1) {
      const answer = await startAction(services, request, input, attempt === maxAttempts)
      if (answer !== 'config_changed') return answer
    }
  })
}

/** How often a request with references to secrets is begun: the values may change while its config is checked. */
const maxAttempts = 3

/** Returns `config_changed` when values that it has put in the place of references are not the stored ones any more. */
async function startAction(
  services: Services,
  request: Request,
  input: ActionInput,
  isLastAttempt: boolean,
): Promise<Response | 'config_changed'> {
  const { db, settings } = services
  const { actor, idempotencyKey, deadline } = request
  const { runsConfigCheck } = actions[input.kind]
  const readsDeployment = runsConfigCheck || input.whenBusy === 'replace'
  deadline.beginChecks()
  const context = await readRequestContext(db, idempotencyKey, readsDeployment ? input.name : undefined)
  deadline.setDatabaseTime(context.databaseTimeMs)
  if (context.accepted !== null) return replayedResponse(services, request, input, context.accepted)

  if (readsDeployment) requireStartable(services, input, context.deployment, request)
  const restored = restoreSecrets(services, input, context.deployment, request)
  const configChecked =
    runsConfigCheck && (await runConfigCheck(services, restored, context.deployment, request))
  // config_check may have taken a minute: the session may have ended and the policy may have changed.
  const identity = configChecked ? await request.identifyAgain() : request.identity
  const scope = requireScope(settings, identity, input.kind, input.name)
  const { dependsOnStored, details: _details, hasValues: _hasValues, ...action } = restored
  const changes = changesOf(services, restored, context.deployment)
  const actionRequest = { ...action, ...actor, key: idempotencyKey, configChecked, scope, changes }
  const enqueued = await enqueueAction(db, actionRequest, deadline.beforeCommit).catch((error) => {
    const isChanged = error instanceof ApiError && error.code === 'precondition_failed' && dependsOnStored
    if (isChanged && !isLastAttempt) return 'config_changed' as const
    throw error
  })
  if (enqueued === 'config_changed') return enqueued
  if (enqueued.change === null) return replayedResponse(services, request, input, enqueued)
  await publishAndNotify(services, enqueued.change)
  if (input.whenBusy === 'replace') await endWhatItWaitsFor(services, request, input.name, enqueued.actionId)
  return acceptedResponse(enqueued.actionId)
}

/** For the audit log: compared with the config that was read, which the transaction replaces unless somebody was faster. */
function changesOf(
  { secrets }: Pick<Services, 'secrets'>,
  { overrides, details }: ActionInput,
  current: DeploymentState | null,
): ActionRequest['changes'] {
  if (overrides === undefined) return undefined
  const before = current?.overrides ?? noOverrides
  return {
    details: { ...describeConfigChanges(before, overrides, secrets.keyPattern()), ...details },
    revision: current?.configRevision ?? 0,
  }
}

/** The answer to a repeated request. Throws deployment_gone when what it has created is deleted. */
async function replayedResponse(
  services: Services,
  request: Request,
  { kind, name, whenBusy }: ActionInput,
  { actionId }: AcceptedRequest,
): Promise<Response> {
  const { db } = services
  const { idempotencyKey } = request
  if (kind === 'create' && idempotencyKey && (await isCreatedDeploymentGone(db, idempotencyKey, name)))
    throw new ApiError('deployment_gone', `This request has created deployment ${name}, which is deleted.`)
  // The first request may have ended between the two steps.
  if (whenBusy === 'replace' && actionId !== null) await endWhatItWaitsFor(services, request, name, actionId)
  return acceptedResponse(actionId ?? 0)
}

/** Checks the request against the current state. */
function requireStartable(
  services: Services,
  input: ActionInput,
  current: DeploymentState | null,
  request: Request,
): void {
  const { name, kind, whenBusy } = input
  if (current !== null && kind !== 'create') {
    const rights = whenBusy === 'replace' ? ([kind, 'cancel', 'stop_waiting'] as const) : ([kind] as const)
    for (const right of rights)
      requireRight(services.settings, request.identity, right, { name, owner: current.owner })
  }
  const condition = findUnmetCondition(input, current)
  if (condition !== null) throw unmetConditionError(condition, input, current?.status ?? null)
  if (input.revision !== undefined && current !== null && input.revision > current.revision)
    throw new ApiError('bad_request', `If-Match: deployment ${name} has no revision ${input.revision} yet.`)
}

type RestoredInput = ActionInput & { dependsOnStored: boolean; restored: readonly string[] }

/** The overrides with values in the place of references; the revision then is that of the config which has these values. */
function restoreSecrets(
  { secrets }: Services,
  input: ActionInput,
  current: DeploymentState | null,
  { identity }: Request,
): RestoredInput {
  const { name, overrides } = input
  if (overrides === undefined || input.hasValues) return { ...input, dependsOnStored: false, restored: [] }
  const stored = current === null || input.kind === 'create' ? null : { ...current, name }
  const seesSecrets = viewOf(identity).seesSecrets(name)
  const result = restoreOverrides(secrets.references, name, overrides, stored, seesSecrets)
  const revision = result.dependsOnStored ? current?.configRevision : input.revision
  return { ...input, ...result, revision }
}

/**
 * Returns false when config_check could not run because Redis is unreachable; the runner then runs it before the script.
 */
async function runConfigCheck(
  services: Services,
  input: RestoredInput,
  current: DeploymentState | null,
  request: Request,
): Promise<boolean> {
  const { name } = input
  const { application, deployment } = input.overrides ?? current?.overrides ?? noOverrides
  const target = { name, overrides: { application: [...application], deployment: [...deployment] } }
  const { caller, deadline, idempotencyKey } = request
  // A client without a key, as those of Octopod 1.6, does not send its request again: its action is started.
  const signal = idempotencyKey === undefined ? undefined : request.signal
  const answer = await queryScripts(services, { type: 'config_check', target }, { caller, deadline, signal })
  if (answer === 'unreachable') return false
  if (answer.status === 'ok') return true
  const hidden = viewOf(request.identity).seesSecrets(name)
    ? []
    : [...application, ...deployment].flatMap((one) => services.secrets.hider.valuesOf([one]))
  const message = 'message' in answer ? hideValues(answer.message, [...hidden, ...input.restored]) : ''
  if (answer.status === 'rejected') throw new ApiError('config_rejected', message, { plain: true })
  throw new ApiError('script_failed', message)
}
