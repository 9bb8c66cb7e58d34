/**
 * What an entry of the audit log is about. Rights are also the operations of refused requests. Free of zod: the page loads it.
 */
import { type Right, rights } from '../access/roles.ts'

/** Completes the sentence "Anna …". */
const labels = {
  read: 'read this',
  read_output: 'read the output',
  create: 'created',
  update: 'updated',
  archive: 'archived',
  restore: 'restored',
  cleanup: 'cleaned up',
  cancel: 'cancelled an action of',
  stop_waiting: 'ended the wait of',
  change_owner: 'changed the owner of',
  label: 'changed the labels of',
  delete: 'deleted the record of',
  retry: 'retried an action of',
  start_waiting: 'started a waiting action of',
  end_waiting: 'ended a waiting action of',
  sign_in: 'signed in',
  sign_out: 'signed out',
  end_session: 'ended a session',
  create_token: 'created an access token',
  revoke_token: 'revoked an access token',
  exchange_token: 'exchanged an ID token of a CI job',
  approve_login: 'approved the login of a program',
  deny_login: 'denied the login of a program',
  accept_policy: 'accepted a new policy',
  pause: 'paused',
  resume: 'resumed',
  resend_notification: 'sent a webhook again about',
  /** Requests without a valid credential that were refused: one entry for each address and minute. */
  authenticate: 'sent requests without a valid credential',
  /** Old entries were removed, after AUDIT_RETENTION. */
  remove_old_entries: 'removed old entries of the audit log',
} as const

export const auditOperationLabels: Record<AuditOperation, string> = {
  ...(Object.fromEntries(Object.entries(rights).map(([right, { label }]) => [right, label])) as Record<
    Right,
    string
  >),
  ...labels,
}

export type AuditOperation = keyof typeof labels | Right
export const auditOperations = Object.keys(auditOperationLabels) as [AuditOperation, ...AuditOperation[]]

export const auditOutcomes = ['accepted', 'refused'] as const
export type AuditOutcome = (typeof auditOutcomes)[number]

/** What a refused request was about. */
export type RefusedRequest = { operation: AuditOperation; deployment?: string; actionId?: number }

/** A side of a changed config key. Null: not set, so the default counts. */
export type AuditedValue = { tag: 'value'; text: string } | { tag: 'removed' } | { tag: 'masked' } | null

export type AuditedChange = {
  level: 'application' | 'deployment'
  key: string
  before: AuditedValue
  after: AuditedValue
}

/** Null: the deployment has no such label. */
export type AuditedLabel = { key: string; before: string | null; after: string | null }

/** What an entry says beside its columns. */
export type AuditDetails = {
  changes?: readonly AuditedChange[]
  /** How many changed keys are left out of `changes`. */
  more_changes?: number
  /** The action waits. */
  waits?: boolean
  waits_behind_action_id?: number | null
  /** The waiting action that this one has replaced. */
  superseded_action_id?: number
  /** The action whose config a rollback deploys, and the deployment whose config a clone has. */
  rollback_to_action_id?: number
  cloned_from?: string
  status?: { before: string | null; after: string | null }
  owner?: { before: string | null; after: string | null }
  /** Labels that were set, changed or removed. */
  labels?: readonly AuditedLabel[]
  /** How many are left out of `labels`. */
  more_labels?: number
  /** What was paused or resumed. `paused_until` null: without an end. */
  paused?: string
  paused_until?: string | null
  /** The pause of somebody else that this one has replaced. */
  replaced?: string
  title?: { before: string | null; after: string | null }
  /** Why a request was refused. */
  message?: string
  [more: string]: unknown
}
