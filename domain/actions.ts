/**
 * The actions: from which statuses each may start, which script it runs, and how it can end (contract §2). Used by the
 * handlers, the queries, the runner, the page and octo. Free of zod: the page loads it.
 */
import { type Status, statuses, statusTable } from './statuses.ts'

/** The source of actions that nobody requests: cleanups after ARCHIVE_RETENTION. What people request goes first. */
export const automaticSource = 'retention'

/** The closed list of Octopod 1.6. Its clients know no other kind. */
type LegacyKind = 'create' | 'update' | 'archive' | 'restore' | 'cleanup'

type ActionRow = {
  /** The kind that clients of Octopod 1.6 receive instead. */
  legacyKind: LegacyKind
  /** The status while the action runs and after its success, until a check. Null: the status stays as it is. */
  runningStatus: Status | null
  /** The status after a failure. */
  failureStatus: Status
  script: string
  /** Whether `config_check` and `info` run before the script. */
  runsConfigCheck: boolean
  /** Whether a success deletes the deployment and its actions. */
  deletesOnSuccess: boolean
}

export const actions = {
  create: {
    legacyKind: 'create',
    runningStatus: 'CreatePending',
    failureStatus: 'GenericFailure',
    script: 'create',
    runsConfigCheck: true,
    deletesOnSuccess: false,
  },
  update: {
    legacyKind: 'update',
    runningStatus: 'UpdatePending',
    failureStatus: 'GenericFailure',
    script: 'update',
    runsConfigCheck: true,
    deletesOnSuccess: false,
  },
  archive: {
    legacyKind: 'archive',
    runningStatus: 'ArchivePending',
    failureStatus: 'ArchivePending',
    script: 'archive',
    runsConfigCheck: false,
    deletesOnSuccess: false,
  },
  restore: {
    legacyKind: 'restore',
    runningStatus: 'CreatePending',
    failureStatus: 'GenericFailure',
    script: 'unarchive',
    runsConfigCheck: true,
    deletesOnSuccess: false,
  },
  cleanup: {
    legacyKind: 'cleanup',
    runningStatus: null,
    failureStatus: 'CleanupFailed',
    script: 'cleanup',
    runsConfigCheck: false,
    deletesOnSuccess: true,
  },
} as const satisfies Record<string, ActionRow>

export type ActionKind = keyof typeof actions
export const actionKinds = Object.keys(actions) as ActionKind[]

/** The name in the API, which the SQL function to_api_action_kind builds in the same way. */
export type ActionWireName = `${Capitalize<ActionKind>}Action`
export const toWireName = (kind: ActionKind) =>
  `${kind.slice(0, 1).toUpperCase()}${kind.slice(1)}Action` as ActionWireName
export const actionWireNames = actionKinds.map(toWireName) as [ActionWireName, ...ActionWireName[]]

export function kindFromWireName(wireName: ActionWireName): ActionKind {
  const kind = actionKinds.find((candidate) => toWireName(candidate) === wireName)
  if (kind === undefined) throw new TypeError(`not an action: ${wireName}`)
  return kind
}

/** The actions that may start from each status. `create` is missing: it needs that no deployment has the name. */
const startableActions: Record<Status, readonly ActionKind[]> = {
  Running: ['update', 'archive'],
  GenericFailure: ['update', 'archive'],
  PartialAvailability: ['update', 'archive'],
  TagMismatch: ['update', 'archive'],
  CreatePending: [],
  UpdatePending: [],
  ArchivePending: ['archive'],
  Archived: ['restore', 'cleanup'],
  CleanupFailed: ['cleanup'],
}

/** Whether an action of this kind may start while the deployment has this status. */
export const canStart = (kind: ActionKind, status: Status): boolean => startableActions[status].includes(kind)

/** The statuses from which an action of this kind may start. */
export const allowedStatuses = (kind: ActionKind): Status[] =>
  statuses.filter((status) => canStart(kind, status))

/** What a request does while another action of its deployment is under way, or its health check. */
export const whenBusyModes = ['fail', 'wait', 'replace'] as const
export type WhenBusy = (typeof whenBusyModes)[number]

/**
 * Whether an action of this kind may wait while the deployment has this status: it may start when the check passes that the
 * status waits for, or, for a running action, the check that follows it.
 */
export function canWait(kind: ActionKind, status: Status): boolean {
  const { pendingTarget } = statusTable[status]
  return pendingTarget !== null && !canStart(kind, status) && canStart(kind, pendingTarget)
}

/** Whether an action of this kind may start after it has ended what it waits for, which leaves a failure. */
export const canReplace = (kind: ActionKind): boolean => canStart(kind, 'GenericFailure')

/**
 * The action that repeats a failed one of this kind, for a deployment with this status. After a failed create the
 * deployment exists, and after the script of a restore has failed it is no longer archived: an update follows then.
 */
export const retryKind = (failed: ActionKind, status: Status): Exclude<ActionKind, 'create'> =>
  failed === 'create' || (failed === 'restore' && !canStart('restore', status)) ? 'update' : failed

/**
 * The lifecycle of an action: perhaps waiting, then queued, then running, then one of the others. Only `succeeded` is a success.
 * `superseded`: while it waited, a newer one took its place.
 */
export const actionStates = [
  'waiting',
  'queued',
  'running',
  'succeeded',
  'failed',
  'timed_out',
  'cancelled',
  'interrupted',
  'superseded',
] as const
export type ActionState = (typeof actionStates)[number]

/** The deployment is busy with the action. */
export function isActive(state: ActionState): boolean {
  return state === 'queued' || state === 'running'
}

/** Nothing about the action changes any more. */
export function hasEnded(state: ActionState): boolean {
  return state !== 'waiting' && !isActive(state)
}

/** How a script ended. More than one flag may be set: {@link stateFromResult} ranks them. */
export type ScriptResult = {
  exitCode: number | null
  signal: string | null
  timedOut: boolean
  cancelled: boolean
  interrupted: boolean
  truncated: boolean
  durationMs: number
  /** Why the script could not be started, or its output not be read. Null: it ran. */
  error: string | null
}

/** The result of a script that did not start. */
export const emptyResult: ScriptResult = {
  exitCode: null,
  signal: null,
  timedOut: false,
  cancelled: false,
  interrupted: false,
  truncated: false,
  durationMs: 0,
  error: null,
}

/** The state of the action after its script. A signal from Octopod outranks the exit code. */
export function stateFromResult(
  result: ScriptResult,
): Exclude<ActionState, 'waiting' | 'queued' | 'running' | 'superseded'> {
  if (result.interrupted) return 'interrupted'
  if (result.cancelled) return 'cancelled'
  if (result.timedOut) return 'timed_out'
  return result.exitCode === 0 && result.error === null ? 'succeeded' : 'failed'
}

/** The status of the deployment after an action. Null: the deployment is deleted. */
export function statusAfterAction(kind: ActionKind, succeeded: boolean): Status | null {
  const { runningStatus, failureStatus, deletesOnSuccess } = actions[kind]
  if (!succeeded) return failureStatus
  return deletesOnSuccess ? null : runningStatus
}
