/**
 * The actions: what each needs, where it leads, and how it can end. One table that begin, perform, the page
 * and octo all read; contract §2.
 */
import { failureKinds, type Status } from './statuses.ts'

/** A row an action: `from` the statuses that allow it (empty: no such deployment yet), `during` the status while
 * it runs, `failed` the status when its script fails, `script` the executable, `prepared` whether config_check
 * and info come first, `removes` whether success forgets the deployment, `role` who may ask for it. */
export const actions = {
  create: {
    wireName: 'CreateAction',
    allowedFrom: [],
    runningStatus: 'CreatePending',
    failureStatus: 'GenericFailure',
    script: 'create',
    runsConfigCheck: true,
    deletesOnSuccess: false,
    role: 'user',
  },
  update: {
    wireName: 'UpdateAction',
    allowedFrom: ['Running', ...failureKinds],
    runningStatus: 'UpdatePending',
    failureStatus: 'GenericFailure',
    script: 'update',
    runsConfigCheck: true,
    deletesOnSuccess: false,
    role: 'user',
  },
  archive: {
    wireName: 'ArchiveAction',
    allowedFrom: ['Running', ...failureKinds, 'ArchivePending'],
    runningStatus: 'ArchivePending',
    failureStatus: 'ArchivePending',
    script: 'archive',
    runsConfigCheck: false,
    deletesOnSuccess: false,
    role: 'user',
  },
  restore: {
    wireName: 'RestoreAction',
    allowedFrom: ['Archived'],
    runningStatus: 'CreatePending',
    failureStatus: 'GenericFailure',
    script: 'unarchive',
    runsConfigCheck: true,
    deletesOnSuccess: false,
    role: 'user',
  },
  cleanup: {
    wireName: 'CleanupAction',
    allowedFrom: ['Archived', 'CleanupFailed'],
    runningStatus: null,
    failureStatus: 'CleanupFailed',
    script: 'cleanup',
    runsConfigCheck: false,
    deletesOnSuccess: true,
    role: 'admin',
  },
} as const satisfies Record<
  string,
  {
    wireName: string
    allowedFrom: readonly Status[]
    runningStatus: Status | null
    failureStatus: Status
    script: string
    runsConfigCheck: boolean
    deletesOnSuccess: boolean
    role: 'user' | 'admin'
  }
>

export type ActionKind = keyof typeof actions
export type ActionWireName = (typeof actions)[ActionKind]['wireName']

export const actionKinds = Object.keys(actions) as ActionKind[]
export const actionWireNames = actionKinds.map((kind) => actions[kind].wireName) as [
  ActionWireName,
  ...ActionWireName[],
]

/** queued → running → one of the ends. Only `succeeded` is a success. */
export const actionStates = [
  'queued',
  'running',
  'succeeded',
  'failed',
  'timed_out',
  'cancelled',
  'interrupted',
] as const
export type ActionState = (typeof actionStates)[number]

export function isActive(state: ActionState): boolean {
  return state === 'queued' || state === 'running'
}

export function kindFromWireName(wire: ActionWireName): ActionKind {
  const kind = actionKinds.find((candidate) => actions[candidate].wireName === wire)
  if (kind === undefined) throw new TypeError(`not an action: ${wire}`)
  return kind
}

/** May an action of this kind begin while the deployment has this status? */
export function canStart(kind: ActionKind, status: Status): boolean {
  return (actions[kind].allowedFrom as readonly Status[]).includes(status)
}

/** The words of a refused move; they name the statuses that would allow it. */
export function invalidTransitionMessage(kind: ActionKind, name: string, status: Status): string {
  const allowed = actions[kind].allowedFrom as readonly Status[]
  return `Deployment ${name} is ${status}: ${kind} needs it to be ${allowed.join(' or ')}.`
}

/** How a finished script ended, as a value (law 6): the first reason wins and outranks the exit code. */
export type ScriptResult = {
  exitCode: number | null
  signal: string | null
  timedOut: boolean
  cancelled: boolean
  interrupted: boolean
  truncated: boolean
  durationMs: number
  /** Why the script could not be started or read, in words; null when it ran. */
  error: string | null
}

/** The result of a script that was not even started; what others build on. */
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

export function stateFromResult(result: ScriptResult): Exclude<ActionState, 'queued' | 'running'> {
  if (result.interrupted) return 'interrupted'
  if (result.cancelled) return 'cancelled'
  if (result.timedOut) return 'timed_out'
  return result.exitCode === 0 && result.error === null ? 'succeeded' : 'failed'
}

/** The status a finished action leaves; null: the deployment is gone. Pending ones wait for a check. */
export function statusAfterAction(kind: ActionKind, succeeded: boolean): Status | null {
  const row = actions[kind]
  if (!succeeded) return row.failureStatus
  return row.deletesOnSuccess ? null : row.runningStatus
}
