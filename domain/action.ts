/**
 * The actions: what each needs, where it leads, and how it can end. One table that begin, perform, the page
 * and octo all read; contract §2.
 */
import { failures, type Status } from './status.ts'

/** A row an action: `from` the statuses that allow it (empty: no such deployment yet), `during` the status while
 * it runs, `failed` the status when its script fails, `script` the executable, `prepared` whether config_check
 * and info come first, `removes` whether success forgets the deployment, `role` who may ask for it. */
export const actions = {
  create: {
    wire: 'CreateAction',
    from: [],
    during: 'CreatePending',
    failed: 'GenericFailure',
    script: 'create',
    prepared: true,
    removes: false,
    role: 'user',
  },
  update: {
    wire: 'UpdateAction',
    from: ['Running', ...failures],
    during: 'UpdatePending',
    failed: 'GenericFailure',
    script: 'update',
    prepared: true,
    removes: false,
    role: 'user',
  },
  archive: {
    wire: 'ArchiveAction',
    from: ['Running', ...failures, 'ArchivePending'],
    during: 'ArchivePending',
    failed: 'ArchivePending',
    script: 'archive',
    prepared: false,
    removes: false,
    role: 'user',
  },
  restore: {
    wire: 'RestoreAction',
    from: ['Archived'],
    during: 'CreatePending',
    failed: 'GenericFailure',
    script: 'unarchive',
    prepared: true,
    removes: false,
    role: 'user',
  },
  cleanup: {
    wire: 'CleanupAction',
    from: ['Archived', 'CleanupFailed'],
    during: null,
    failed: 'CleanupFailed',
    script: 'cleanup',
    prepared: false,
    removes: true,
    role: 'admin',
  },
} as const satisfies Record<
  string,
  {
    wire: string
    from: readonly Status[]
    during: Status | null
    failed: Status
    script: string
    prepared: boolean
    removes: boolean
    role: 'user' | 'admin'
  }
>

export type ActionKind = keyof typeof actions
export type ActionWire = (typeof actions)[ActionKind]['wire']

export const actionKinds = Object.keys(actions) as ActionKind[]
export const actionWires = actionKinds.map((kind) => actions[kind].wire) as [ActionWire, ...ActionWire[]]

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

export function kindOfWire(wire: ActionWire): ActionKind {
  const kind = actionKinds.find((candidate) => actions[candidate].wire === wire)
  if (kind === undefined) throw new TypeError(`not an action: ${wire}`)
  return kind
}

/** May an action of this kind begin while the deployment has this status? */
export function mayBegin(kind: ActionKind, status: Status): boolean {
  return (actions[kind].from as readonly Status[]).includes(status)
}

/** The words of a refused move; they name the statuses that would allow it. */
export function refusedMove(kind: ActionKind, name: string, status: Status): string {
  const allowed = actions[kind].from as readonly Status[]
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
  problem: string | null
}

/** The result of a script that was not even started; what others build on. */
export const nothingRan: ScriptResult = {
  exitCode: null,
  signal: null,
  timedOut: false,
  cancelled: false,
  interrupted: false,
  truncated: false,
  durationMs: 0,
  problem: null,
}

export function stateOf(result: ScriptResult): Exclude<ActionState, 'queued' | 'running'> {
  if (result.interrupted) return 'interrupted'
  if (result.cancelled) return 'cancelled'
  if (result.timedOut) return 'timed_out'
  return result.exitCode === 0 && result.problem === null ? 'succeeded' : 'failed'
}

/** The status a finished action leaves; null: the deployment is gone. Pending ones wait for a check. */
export function statusAfterAction(kind: ActionKind, succeeded: boolean): Status | null {
  const row = actions[kind]
  if (!succeeded) return row.failed
  return row.removes ? null : row.during
}
