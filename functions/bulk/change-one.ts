/** Decides one deployment of a change of many, with the rights of the caller. Called by change-many.ts. */
import { requestCancel } from '../../db/queries/cancel-action.ts'
import { changeLabels, wouldChangeLabels } from '../../db/queries/changes/labels.ts'
import { type LastAction, readLastAction, readWaitingAction } from '../../db/queries/changes/last-action.ts'
import type { DeploymentState } from '../../db/queries/deployments.ts'
import { readRequestContext } from '../../db/queries/idempotency.ts'
import { publishCancel, publishChange } from '../../db/redis/events.ts'
import type { Right, Target } from '../../domain/access/roles.ts'
import { type ActionKind, isActive, retryKind } from '../../domain/actions.ts'
import { rightOfOperation } from '../../domain/changes/bulk-operations.ts'
import type { BulkLine, BulkRequest } from '../../domain/changes/bulk-schemas.ts'
import { headers } from '../../domain/endpoints.ts'
import { noSuchDeployment } from '../../domain/errors.ts'
import { type ByLevel, type Override, updateOverrides, valueAdded } from '../../domain/overrides.ts'
import { findUnmetCondition, unmetConditionError } from '../../domain/start-conditions.ts'
import { requireRight } from '../auth/require-right.ts'
import { submitAction } from '../deployments/submit-action.ts'
import { publishAndNotify } from '../deployments/when-busy.ts'
import type { EndpointRequest } from '../http/endpoint-handler.ts'
import { waitUntil } from '../http/wait-until.ts'
import type { Services } from '../services.ts'

type Request = EndpointRequest<'changeMany'>
/** An action to start, or why there is nothing to do. */
type Plan = { kind: ActionKind; overrides?: ByLevel<readonly Override[]>; revision?: number } | 'unchanged'

/** Throws an ApiError for what is refused: precondition_failed when the config has changed since it was read here. */
export async function changeOne(services: Services, request: Request, name: string): Promise<BulkLine> {
  const { body, deadline, idempotencyKey, identity } = request
  const { operation } = body
  const require = (right: Right, target: Target | { name: string }) =>
    requireRight(services.settings, identity, right, target)
  // Before anything is read: who may not do it does not learn whether there is such a deployment.
  require(operation === 'retry' ? 'read' : rightOfOperation[operation], { name })
  deadline.beginChecks()
  const context = await readRequestContext(services.db, idempotencyKey, name)
  deadline.setDatabaseTime(context.databaseTimeMs)
  if (context.accepted !== null) return acceptedLine(name, context.accepted.actionId)
  const { deployment } = context
  if (deployment === null) throw noSuchDeployment(name)
  if (operation === 'label') return changeLabelsOf(services, request, name, deployment)
  if (operation === 'cancel') return cancelActionOf(services, request, name, deployment)

  const plan = await planAction(services, body, name, deployment)
  if (plan === 'unchanged') {
    if (operation !== 'retry') require(rightOfOperation[operation], { name, owner: deployment.owner })
    return { name, outcome: 'unchanged' }
  }
  const start = { ...plan, name, whenBusy: body.when_busy }
  const rights = body.when_busy === 'replace' ? (['cancel', 'stop_waiting'] as const) : []
  for (const right of [plan.kind === 'create' ? 'update' : plan.kind, ...rights])
    require(right, { name, owner: deployment.owner })
  if (body.dry_run) {
    const condition = findUnmetCondition(start, deployment)
    if (condition !== null) throw unmetConditionError(condition, start, deployment.status)
    return acceptedLine(name, null)
  }
  const response = await submitAction(services, request, { ...start, isBulk: true })
  return acceptedLine(name, Number(response.headers.get(headers.actionId)) || null)
}

const acceptedLine = (name: string, actionId: number | null): BulkLine => ({
  name,
  outcome: 'accepted',
  ...(actionId === null ? {} : { action_id: actionId }),
})

async function planAction(
  { db }: Services,
  { operation, override }: BulkRequest,
  name: string,
  { status, busy, overrides, configRevision }: DeploymentState,
): Promise<Plan> {
  if (operation === 'archive') return status === 'Archived' && !busy ? 'unchanged' : { kind: 'archive' }
  if (operation === 'restore') return status === 'Running' && !busy ? 'unchanged' : { kind: 'restore' }
  if (override !== undefined) {
    const { level, key, value } = override
    const changed = updateOverrides(
      overrides[level],
      value === undefined ? [] : [valueAdded(key, value)],
      value === undefined ? [key] : [],
    )
    if (isSame(changed, overrides[level])) return 'unchanged'
    return { kind: 'update', overrides: { ...overrides, [level]: changed }, revision: configRevision }
  }
  const last = await readLastAction(db, name)
  if (last === null || last.state === 'succeeded') return 'unchanged'
  return planRetry(last, status, configRevision)
}

function planRetry(
  { kind, state, overrides }: LastAction,
  status: DeploymentState['status'],
  revision: number,
): Plan {
  // Refused as busy.
  if (isActive(state)) return { kind: 'update' }
  const repeated = retryKind(kind, status)
  return repeated === 'update' ? { kind: repeated, overrides, revision } : { kind: repeated }
}

const isSame = (one: readonly Override[], other: readonly Override[]): boolean =>
  JSON.stringify(one) === JSON.stringify(other)

async function changeLabelsOf(
  services: Services,
  { body, actor, deadline, identity, idempotencyKey }: Request,
  name: string,
  { owner }: DeploymentState,
): Promise<BulkLine> {
  const { db, redis, settings } = services
  const changes = body.labels ?? {}
  const require = (target: Target) => requireRight(settings, identity, 'label', target)
  if (body.dry_run) {
    require({ name, owner })
    const isChanged = await wouldChangeLabels(db, name, changes)
    return { name, outcome: isChanged ? 'accepted' : 'unchanged' }
  }
  const change = await changeLabels(db, name, changes, actor, require, idempotencyKey, deadline.beforeCommit)
  if (change === null) return { name, outcome: 'unchanged' }
  await waitUntil(services, [publishChange(redis, settings.REDIS_PREFIX, change)])
  return acceptedLine(name, null)
}

async function cancelActionOf(
  services: Services,
  { body, actor, deadline, identity, idempotencyKey }: Request,
  name: string,
  { owner }: DeploymentState,
): Promise<BulkLine> {
  const { db, redis, settings } = services
  const require = (target: Target) => requireRight(settings, identity, 'cancel', target)
  const last = await readLastAction(db, name)
  const isRunning = last !== null && isActive(last.state)
  const id = !isRunning ? await readWaitingAction(db, name) : last.isCancelRequested ? null : last.id
  if (id === null || body.dry_run) {
    require({ name, owner })
    return id === null ? { name, outcome: 'unchanged' } : acceptedLine(name, id)
  }
  const { beforeCommit } = deadline
  const cancelled = await requestCancel(db, id, actor, require, beforeCommit, idempotencyKey)
  const { actionId, change, isClaimed } = cancelled
  await publishAndNotify(services, change)
  if (isClaimed) await waitUntil(services, [publishCancel(redis, settings.REDIS_PREFIX, actionId)])
  return acceptedLine(name, actionId)
}
