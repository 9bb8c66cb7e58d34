/** An entry of the audit log as a plain sentence, without who did it. Used by the page and octo. Free of zod: the page loads it. */
import { allRights, type Right, rights } from '../access/roles.ts'
import type { AuditEntry } from './audit-schemas.ts'
import { type AuditedChange, auditOperationLabels } from './operations.ts'

/** `updated`, `shop-search`, `image.tag v1 to v2`. */
export type AuditSentence = { predicate: string; deployment: string | null; details: string }

type Entry = Pick<
  AuditEntry,
  'operation' | 'outcome' | 'deployment' | 'action_id' | 'count' | 'address' | 'details'
>

export function describeAuditEntry(entry: Entry): AuditSentence {
  const { outcome, deployment } = entry
  return outcome === 'refused'
    ? { predicate: refusedPredicate(entry), deployment, details: countOf(entry) }
    : { predicate: acceptedPredicate(entry), deployment, details: detailsOf(entry.details) }
}

export const auditSentenceText = ({ predicate, deployment, details }: AuditSentence): string =>
  `${predicate}${deployment === null ? '' : ` ${deployment}`}${details === '' ? '' : `: ${details}`}`

function acceptedPredicate({ operation, deployment, action_id }: Entry): string {
  const label = labelOf(operation)
  if (operation !== 'read_output') return label
  const predicate = action_id === null ? label : `${label} of action ${action_id}`
  return deployment === null ? predicate : `${predicate} of`
}

/** Refused operations beside rights. */
const infinitives: Record<string, string> = {
  retry: 'retry an action of',
  sign_in: 'sign in',
  end_session: 'end a session',
  create_token: 'create this access token',
  revoke_token: 'revoke an access token',
}

function refusedPredicate({ operation, deployment, action_id }: Entry): string {
  if (operation === 'authenticate') return labelOf(operation)
  const infinitive = isRight(operation)
    ? rights[operation].label
    : (infinitives[operation] ?? operation.replaceAll('_', ' '))
  const what = action_id === null ? infinitive : infinitive.replace('this action', `action ${action_id}`)
  if (deployment === null || !isRight(operation)) return `was not allowed to ${what}`
  // Labels of rights end with what the name stands for, or have no place for it.
  const withoutObject = what.replace(/ (this deployment|deployments|this)$/, '')
  return `was not allowed to ${withoutObject === what ? `${what} of` : withoutObject}`
}

const isRight = (operation: string): operation is Right => (allRights as string[]).includes(operation)

/** A later server may have more operations. */
const labelOf = (operation: string): string =>
  (auditOperationLabels as Record<string, string>)[operation] ?? operation

const countOf = ({ operation, count, address }: Entry): string =>
  operation === 'authenticate'
    ? `${count} ${count === 1 ? 'request' : 'requests'}${address === null ? '' : ` from ${address}`}`
    : count === 1
      ? ''
      : `${count} times`

const maxChanges = 2

function detailsOf(details: Entry['details']): string {
  const { changes = [], more_changes = 0, status, owner, message, waits_behind_action_id: behind } = details
  const left = changes.length - maxChanges + more_changes
  const parts = [
    ...changes.slice(0, maxChanges).map(describeAuditedChange),
    ...(left > 0 && changes.length >= maxChanges ? [`and ${left} more`] : []),
    ...(details.waits ? [`waits for ${behind ? `action ${behind}` : 'the health check'}`] : []),
    ...(details.rollback_to_action_id ? [`back to action ${details.rollback_to_action_id}`] : []),
    ...(details.cloned_from ? [`a copy of ${details.cloned_from}`] : []),
    // Other statuses follow from the operation.
    ...(status?.after === null ? [`it was ${status.before}`] : []),
    ...(owner === undefined ? [] : [`${owner.before ?? 'nobody'} to ${owner.after ?? 'nobody'}`]),
    ...describeLabels(details),
    ...(typeof details.label === 'string' ? [`“${details.label}”`] : []),
    ...describePause(details),
    ...(typeof details.replaced === 'string' ? [`instead of that by ${details.replaced}`] : []),
    ...(message === undefined ? [] : [message]),
    ...(typeof details.until === 'string'
      ? [`${details.entries}, before ${details.until.slice(0, 10)}`]
      : []),
  ]
  return parts.join(', ')
}

/** `Health checks until 2026-03-01 12:00 UTC`. */
const describePause = ({ paused, paused_until: until }: Entry['details']): string[] =>
  typeof paused !== 'string'
    ? []
    : [typeof until === 'string' ? `${paused} until ${until.slice(0, 16).replace('T', ' ')} UTC` : paused]

/** `label team shop to web`. */
function describeLabels({ labels = [], more_labels = 0, title }: Entry['details']): string[] {
  const left = labels.length - maxChanges + more_labels
  return [
    ...labels
      .slice(0, maxChanges)
      .map(({ key, before, after }) => `label ${key} ${describeText(before, after)}`),
    ...(left > 0 && labels.length >= maxChanges ? [`and ${left} more`] : []),
    ...(title === undefined ? [] : [`title ${describeText(title.before, title.after)}`]),
  ]
}

const describeText = (before: string | null, after: string | null): string =>
  after === null
    ? 'removed'
    : before === null
      ? `set to ${shorten(after)}`
      : `${shorten(before)} to ${shorten(after)}`

/** `image.tag v1 to v2`. */
export function describeAuditedChange({ key, before, after }: AuditedChange): string {
  if (after === null) return `${key} back to the default`
  if (after.tag === 'removed') return `${key} removed`
  if (after.tag === 'masked') return `${key} ${before?.tag === 'masked' ? 'changed' : 'set'} (secret)`
  return before?.tag === 'value'
    ? `${key} ${shorten(before.text)} to ${shorten(after.text)}`
    : `${key} set to ${shorten(after.text)}`
}

const maxTextLength = 40

const shorten = (text: string): string =>
  text === '' ? 'empty' : text.length > maxTextLength ? `${text.slice(0, maxTextLength - 1)}…` : text
