/** How deployments and actions look: in tables, as names, in a line. Called by the commands. */
import { isActive, kindOfWire } from '../domain/action.ts'
import type { Action, ActionSummary, FullInfo } from '../domain/shapes.ts'
import type { Look } from './output.ts'
import { seconds } from './print.ts'
import { type Sight, statusOf } from './verdict.ts'

export const deploymentLook: Look<FullInfo> = {
  name: ({ deployment }) => deployment.name,
  columns: {
    NAME: ({ deployment }) => deployment.name,
    STATUS: shownStatus,
    'LAST ACTION': ({ last_action }) => (last_action === null ? '' : shownAction(last_action)),
    WHO: ({ last_action }) => last_action?.actor ?? '',
    UPDATED: ({ updated_at }) => seconds(updated_at),
    LINK: ({ metadata }) => metadata[0]?.link ?? '',
  },
}

export const actionLook: Look<Action> = {
  name: ({ action_id }) => String(action_id),
  columns: {
    ID: ({ action_id }) => String(action_id),
    ACTION: ({ action }) => kindOfWire(action),
    STATE: ({ state, attempt }) => (attempt > 1 ? `${state} (attempt ${attempt})` : state),
    CREATED: ({ created_at }) => seconds(created_at),
    DURATION: shownDurationOf,
    EXIT: ({ exit_code, signal }) => (exit_code === null ? (signal ?? '') : String(exit_code)),
    WHO: ({ actor }) => actor,
    SOURCE: ({ source }) => source,
    NOTE: ({ reason, error }) => [reason, error].filter((text) => text !== null).join(' · '),
  },
}

/** The status, marked while an action runs. */
export function shownStatus(info: FullInfo): string {
  return info.status.tag === 'DeploymentPending' ? `${statusOf(info)} (pending)` : statusOf(info)
}

export const shownAction = ({ action, action_id, state }: ActionSummary) =>
  `${kindOfWire(action)} ${action_id} ${state}`

export function shownDurationOf({ started_at, finished_at }: ActionSummary): string {
  if (started_at === null || finished_at === null) return ''
  return `${((Date.parse(finished_at) - Date.parse(started_at)) / 1000).toFixed(1)} s`
}

/** How a sight stands, in a line. */
export function standing({ name, info, action }: Sight): string {
  if (info === null) return `${name}: gone`
  const status = statusOf(info)
  const last = action ?? info.last_action
  if (last !== null && isActive(last.state)) {
    const cancelling = last.cancel_requested_at === null ? '' : ', to be cancelled'
    return `${name}: ${status}, action ${last.action_id} is ${last.state}${cancelling}`
  }
  return status.endsWith('Pending') ? `${name}: ${status}, waiting for its check` : `${name}: ${status}`
}
