/**
 * The conditions under which an action may start, and the error for each that is not met. Used twice: by
 * functions/deployments/submit-action.ts before anything runs, and by db/queries/enqueue-action.ts for the decision
 * that the SQL function enqueue_action makes under the lock.
 */
import { type ActionKind, allowedStatuses, canReplace, canStart, canWait, type WhenBusy } from './actions.ts'
import { ApiError, deploymentBusy, noSuchDeployment } from './errors.ts'
import type { Status } from './statuses.ts'

export type UnmetCondition =
  | 'name_taken'
  | 'no_such_deployment'
  | 'busy'
  | 'invalid_transition'
  | 'precondition_failed'

type StartRequest = {
  kind: ActionKind
  name: string
  /** The revision that the client has read: the config must not have changed since. */
  revision?: number | undefined
  /** Default: fail. */
  whenBusy?: WhenBusy | undefined
}

/** Whether the request waits while its deployment has this status, instead of being refused. */
export const waitsIn = (
  { kind, whenBusy = 'fail' }: Pick<StartRequest, 'kind' | 'whenBusy'>,
  status: Status,
) => whenBusy !== 'fail' && canWait(kind, status) && (whenBusy === 'wait' || canReplace(kind))

/**
 * `busy`: an action of the deployment is queued or running. `configRevision`: the revision of its last config change.
 */
type DeploymentState = { status: Status; busy: boolean; configRevision: number }

/** The first condition that is not met; null when the action may start or wait. `current` is null for an unknown name. */
export function findUnmetCondition(
  request: StartRequest,
  current: DeploymentState | null,
): UnmetCondition | null {
  const { kind, revision, whenBusy = 'fail' } = request
  if (kind === 'create') return current === null ? null : 'name_taken'
  if (current === null) return 'no_such_deployment'
  if (!waitsIn(request, current.status)) {
    const mayStart = canStart(kind, current.status)
    if (current.busy && (whenBusy === 'fail' || mayStart)) return 'busy'
    if (!mayStart) return 'invalid_transition'
  }
  return revision !== undefined && current.configRevision > revision ? 'precondition_failed' : null
}

/** The error that the client receives. `status` is null for an unknown name. */
export function unmetConditionError(
  condition: UnmetCondition,
  { kind, name, whenBusy }: Pick<StartRequest, 'kind' | 'name' | 'whenBusy'>,
  status: Status | null,
): ApiError {
  switch (condition) {
    case 'name_taken':
      return new ApiError('name_taken', `Deployment ${name} already exists.`)
    case 'no_such_deployment':
      return noSuchDeployment(name)
    case 'busy':
      return deploymentBusy(name)
    case 'invalid_transition':
      return new ApiError('invalid_transition', invalidTransitionMessage(kind, name, status, whenBusy))
    case 'precondition_failed':
      return new ApiError(
        'precondition_failed',
        `The config of deployment ${name} has changed since you read it: read it again.`,
      )
  }
}

function invalidTransitionMessage(
  kind: ActionKind,
  name: string,
  status: Status | null,
  whenBusy: WhenBusy | undefined,
): string {
  if (whenBusy === 'replace' && status !== null && canWait(kind, status))
    return `Deployment ${name} is ${status}: ${kind} cannot replace what it would wait for, because it cannot start after a failure. Use wait instead of replace.`
  return `Deployment ${name} is ${status}: ${kind} needs it to be ${allowedStatuses(kind).join(' or ')}.`
}
