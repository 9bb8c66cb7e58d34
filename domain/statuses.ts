/**
 * The statuses of a deployment: their texts in the database and for scripts, their shape on the wire, and
 * what a check makes of them. Rules only; contract §2.
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

/** The text in the database and in `--old-status`/`--new-status`: a failure is named by its kind. */
export type Status = (typeof statuses)[number]

export const failureKinds = ['GenericFailure', 'PartialAvailability', 'TagMismatch'] as const
export type FailureKind = (typeof failureKinds)[number]

export type RecordedStatus = { tag: Exclude<Status, FailureKind> } | { tag: 'Failure'; contents: FailureKind }

export function isFailure(status: Status): status is FailureKind {
  return (failureKinds as readonly string[]).includes(status)
}

export function toRecordedStatus(status: Status): RecordedStatus {
  return isFailure(status) ? { tag: 'Failure', contents: status } : { tag: status }
}

export function fromRecordedStatus(recorded: RecordedStatus): Status {
  return recorded.tag === 'Failure' ? recorded.contents : recorded.tag
}

/** The failure a non-zero exit code of `check` stands for. */
export function failureForExitCode(exitCode: number): FailureKind {
  if (exitCode === 2) return 'PartialAvailability'
  if (exitCode === 3) return 'TagMismatch'
  return 'GenericFailure'
}

/** Which script looks after a deployment of this status; none for what is put away. */
export function checkScriptFor(status: Status): 'check' | 'archive_check' | null {
  if (status === 'Archived' || status === 'CleanupFailed') return null
  return status === 'ArchivePending' ? 'archive_check' : 'check'
}

/**
 * The status after a check that ended with `exitCode`; null stands for one that did not end by itself (killed,
 * timed out, could not start). Pending statuses wait for a success until `pendingMs` reaches `patienceMs`.
 */
export function statusAfterCheck(
  status: Status,
  exitCode: number | null,
  pendingMs: number,
  timeoutMs: number,
): Status {
  if (checkScriptFor(status) === null) return status
  if (status === 'ArchivePending') return exitCode === 0 ? 'Archived' : status
  if (exitCode === 0) return 'Running'
  const failure = failureForExitCode(exitCode ?? 1)
  if (status === 'CreatePending' || status === 'UpdatePending') {
    return pendingMs >= timeoutMs ? failure : status
  }
  // A failure keeps its first kind, as in Octopod 1.6: only Running fails, and only success heals.
  return isFailure(status) ? status : failure
}

/**
 * The status when the check could not even be made (no config, no process to spare): that says nothing of the deployment, so
 * Running stays; but nobody stays pending for ever.
 */
export function statusAfterCheckError(status: Status, pendingMs: number, timeoutMs: number): Status {
  return status === 'Running' ? status : statusAfterCheck(status, null, pendingMs, timeoutMs)
}
