/**
 * The limits of the history: which actions and outputs of a deployment are kept, and what readers of a removed output
 * are told. Never removes an active action or the last one of a deployment. Called by apply-limits.ts.
 */
import { formatAge, formatSize } from '../../../lib/format-units.ts'

/** 0: no limit. */
export type HistoryLimits = {
  actionAgeMs: number
  actionsPerDeployment: number
  outputAgeMs: number
  outputBytesPerDeployment: number
  outputBytesInTotal: number
}

/** True if a limit looks at each deployment on its own. */
export const hasDeploymentLimits = ({
  actionAgeMs,
  actionsPerDeployment,
  outputAgeMs,
  outputBytesPerDeployment,
}: HistoryLimits): boolean =>
  actionAgeMs > 0 || actionsPerDeployment > 0 || outputAgeMs > 0 || outputBytesPerDeployment > 0

/**
 * `hasRun`: false for an action that never left its wait, which no reader takes for the last one. `outputBytes` is 0 when the action printed nothing or its output was removed. `ageMs` is null until the action has
 * ended.
 */
export type KeptAction = { hasRun: boolean; ageMs: number | null; outputBytes: number }

/** What was seen of the deployment so far: its newer actions. */
export type NewerActions = { count: number; hasRunCount: number; outputBytes: number }
export const noNewerActions: NewerActions = { count: 0, hasRunCount: 0, outputBytes: 0 }

/** `delete_action` includes the output. */
export type Removal = { type: 'delete_action' } | { type: 'remove_output'; reason: string }

/** Decides about one action of a deployment. Called for all of them, the newest first. */
export function findRemoval(action: KeptAction, newer: NewerActions, limits: HistoryLimits): Removal | null {
  const { hasRun, ageMs, outputBytes } = action
  if ((hasRun && newer.hasRunCount === 0) || ageMs === null) return null
  if (isOver(newer.count + 1, limits.actionsPerDeployment) || isOver(ageMs, limits.actionAgeMs))
    return { type: 'delete_action' }
  if (outputBytes === 0) return null
  if (isOver(ageMs, limits.outputAgeMs))
    return { type: 'remove_output', reason: afterAge(limits.outputAgeMs) }
  if (isOver(newer.outputBytes + outputBytes, limits.outputBytesPerDeployment))
    return { type: 'remove_output', reason: overDeploymentLimit(limits.outputBytesPerDeployment) }
  return null
}

const isOver = (value: number, limit: number) => limit > 0 && value > limit

const afterAge = (ageMs: number) => `The output was removed after ${formatAge(ageMs)} (OUTPUT_RETENTION).`
const overDeploymentLimit = (bytes: number) =>
  `The output was removed because its deployment had more than ${formatSize(bytes)} (OUTPUT_DEPLOYMENT_LIMIT).`
export const overTotalLimit = (bytes: number): string =>
  `The output was removed because all deployments had more than ${formatSize(bytes)} (OUTPUT_TOTAL_LIMIT).`
