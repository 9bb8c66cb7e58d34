/**
 * The statuses of a deployment: one table from which the check scheduler, the queries, the page, octo and the API
 * derive their decisions (contract §2). A new status is a new row, and the compiler asks for every decision. Free of
 * zod: the page loads it.
 */

export const statuses = [
  'Running',
  'GenericFailure',
  'PartialAvailability',
  'TagMismatch',
  'CreatePending',
  'UpdatePending',
  'ArchivePending',
  'Archived',
  'CleanupFailed',
] as const

/** The text in the database. A failure is named by its kind. */
export type Status = (typeof statuses)[number]

/** The closed list of Octopod 1.6. Its clients and scripts know no other status. */
type LegacyStatus =
  | 'Running'
  | 'GenericFailure'
  | 'PartialAvailability'
  | 'TagMismatch'
  | 'CreatePending'
  | 'UpdatePending'
  | 'ArchivePending'
  | 'Archived'
  | 'CleanupFailed'

/** Each tone has a color and an icon on the page. */
export type Tone = 'success' | 'progress' | 'warning' | 'error' | 'inactive'

type StatusRow = {
  /** The status that clients and notification scripts of Octopod 1.6 receive instead. */
  legacyStatus: LegacyStatus
  /**
   * For a failure, the exit code of `check` that leads to it (`other`: any other non-zero code). Null: not a failure.
   */
  failureExitCode: number | 'other' | null
  /**
   * For a pending status, the status that a successful check leads to. Null: the deployment does not wait for a check.
   */
  pendingTarget: 'Running' | 'Archived' | null
  /** Nothing of the deployment runs: the page lists it among the archived ones. */
  isArchived: boolean
  /** The cleanup after ARCHIVE_RETENTION counts from the moment the deployment gets this status. */
  startsRetention: boolean
  /** The script that checks the deployment. Null: it is not checked. */
  checkScript: 'check' | 'archive_check' | null
  /** The status after a check that exits with 0. */
  afterCheckSuccess: Status
  /** What a failed check does: set the failure at once, set it after STATUS_UPDATE_TIMEOUT, or change nothing. */
  onCheckFailure: 'fail' | 'fail_after_timeout' | 'keep'
  /** The status on the page. */
  label: string
  tone: Tone
  /** The second line on the page: what the deployment waits for, or where the status comes from. */
  hint: string | null
}

export const statusTable = {
  Running: {
    legacyStatus: 'Running',
    failureExitCode: null,
    pendingTarget: null,
    isArchived: false,
    startsRetention: false,
    checkScript: 'check',
    afterCheckSuccess: 'Running',
    onCheckFailure: 'fail',
    label: 'Running',
    tone: 'success',
    hint: null,
  },
  GenericFailure: {
    legacyStatus: 'GenericFailure',
    failureExitCode: 'other',
    pendingTarget: null,
    isArchived: false,
    startsRetention: false,
    checkScript: 'check',
    afterCheckSuccess: 'Running',
    // A failure keeps its first kind, as in Octopod 1.6. Only a successful check ends it.
    onCheckFailure: 'keep',
    label: 'Failing',
    tone: 'error',
    hint: 'Health check failed',
  },
  PartialAvailability: {
    legacyStatus: 'PartialAvailability',
    failureExitCode: 2,
    pendingTarget: null,
    isArchived: false,
    startsRetention: false,
    checkScript: 'check',
    afterCheckSuccess: 'Running',
    onCheckFailure: 'keep',
    label: 'Partly available',
    tone: 'warning',
    hint: 'Health check failed',
  },
  TagMismatch: {
    legacyStatus: 'TagMismatch',
    failureExitCode: 3,
    pendingTarget: null,
    isArchived: false,
    startsRetention: false,
    checkScript: 'check',
    afterCheckSuccess: 'Running',
    onCheckFailure: 'keep',
    label: 'Wrong image tag',
    tone: 'warning',
    hint: 'Health check failed',
  },
  CreatePending: {
    legacyStatus: 'CreatePending',
    failureExitCode: null,
    pendingTarget: 'Running',
    isArchived: false,
    startsRetention: false,
    checkScript: 'check',
    afterCheckSuccess: 'Running',
    onCheckFailure: 'fail_after_timeout',
    label: 'Creating',
    tone: 'progress',
    hint: 'Waiting for the health check',
  },
  UpdatePending: {
    legacyStatus: 'UpdatePending',
    failureExitCode: null,
    pendingTarget: 'Running',
    isArchived: false,
    startsRetention: false,
    checkScript: 'check',
    afterCheckSuccess: 'Running',
    onCheckFailure: 'fail_after_timeout',
    label: 'Updating',
    tone: 'progress',
    hint: 'Waiting for the health check',
  },
  ArchivePending: {
    legacyStatus: 'ArchivePending',
    failureExitCode: null,
    pendingTarget: 'Archived',
    isArchived: false,
    startsRetention: false,
    checkScript: 'archive_check',
    afterCheckSuccess: 'Archived',
    onCheckFailure: 'keep',
    label: 'Archiving',
    tone: 'progress',
    hint: 'Waiting for the archive check',
  },
  Archived: {
    legacyStatus: 'Archived',
    failureExitCode: null,
    pendingTarget: null,
    isArchived: true,
    startsRetention: true,
    checkScript: null,
    afterCheckSuccess: 'Archived',
    onCheckFailure: 'keep',
    label: 'Archived',
    tone: 'inactive',
    hint: null,
  },
  CleanupFailed: {
    legacyStatus: 'CleanupFailed',
    failureExitCode: null,
    pendingTarget: null,
    isArchived: true,
    startsRetention: false,
    checkScript: null,
    afterCheckSuccess: 'CleanupFailed',
    onCheckFailure: 'keep',
    label: 'Cleanup failed',
    tone: 'error',
    hint: null,
  },
} as const satisfies Record<Status, StatusRow>

type StatusTable = typeof statusTable

export type FailureKind = {
  [S in Status]: StatusTable[S]['failureExitCode'] extends null ? never : S
}[Status]

export const isFailure = (status: Status): status is FailureKind =>
  statusTable[status].failureExitCode !== null
export const failureKinds = statuses.filter(isFailure) as [FailureKind, ...FailureKind[]]

/** True for a status that says that a check or a script failed. */
export const isFailed = (status: Status): boolean => isFailure(status) || status === 'CleanupFailed'

/** True while the deployment waits for a successful check. */
export const isPending = (status: Status): boolean => statusTable[status].pendingTarget !== null

export const checkScriptFor = (status: Status): StatusRow['checkScript'] => statusTable[status].checkScript

/** The status as the API sends it. */
export type RecordedStatus = { tag: Exclude<Status, FailureKind> } | { tag: 'Failure'; contents: FailureKind }

export function toRecordedStatus(status: Status): RecordedStatus {
  const sent: Status = statusTable[status].legacyStatus
  return isFailure(sent) ? { tag: 'Failure', contents: sent } : { tag: sent }
}

export function fromRecordedStatus(recorded: RecordedStatus): Status {
  return recorded.tag === 'Failure' ? recorded.contents : recorded.tag
}

/** The failure that a non-zero exit code of `check` means. */
export function failureForExitCode(exitCode: number): FailureKind {
  const own = failureKinds.find((kind) => statusTable[kind].failureExitCode === exitCode)
  const other = failureKinds.find((kind) => statusTable[kind].failureExitCode === 'other')
  return own ?? other ?? failureKinds[0]
}

/**
 * The status after a check that ended with `exitCode`. Null: the script did not exit by itself (killed or timed out).
 * A pending status becomes a failure when it has lasted `timeoutMs`.
 */
export function statusAfterCheck(
  status: Status,
  exitCode: number | null,
  pendingMs: number,
  timeoutMs: number,
): Status {
  const { checkScript, afterCheckSuccess, onCheckFailure } = statusTable[status]
  if (checkScript === null) return status
  if (exitCode === 0) return afterCheckSuccess
  const fails =
    onCheckFailure === 'fail' || (onCheckFailure === 'fail_after_timeout' && pendingMs >= timeoutMs)
  return fails ? failureForExitCode(exitCode ?? 1) : status
}

/**
 * The status after a check that could not run (no config, or no process could be started). That says nothing about the
 * deployment, so only the time limit of a pending status applies.
 */
export function statusAfterCheckError(status: Status, pendingMs: number, timeoutMs: number): Status {
  return statusTable[status].onCheckFailure === 'fail'
    ? status
    : statusAfterCheck(status, null, pendingMs, timeoutMs)
}
