/** Changes the labels and the title of a deployment. Called by functions/deployments. */
import { sql } from 'slonik'
import { z } from 'zod'
import type { Target } from '../../../domain/access/roles.ts'
import type { AuditDetails, AuditedLabel } from '../../../domain/audit/operations.ts'
import { ApiError, noSuchDeployment } from '../../../domain/errors.ts'
import type { ChangeEvent } from '../../../domain/event.ts'
import { type Labels, maxLabels } from '../../../domain/labels.ts'
import { cutList } from '../../../lib/cut-text.ts'
import type { Database } from '../../pool.ts'
import { type AuditActor, insertAuditEntry } from '../audit/insert-entry.ts'
import { lockDeployment, readChangeEvent } from '../deployments.ts'
import { type BeginWrite, claimIdempotencyKey, type IdempotencyKey, requireInTime } from '../idempotency.ts'
import { toJsonb } from '../sql-fragments.ts'

export type LabelChanges = {
  set?: Labels | undefined
  /** Keys. */
  remove?: readonly string[] | undefined
  /** Undefined: it stays. */
  title?: string | null | undefined
}

const labelsRow = z.object({ labels: z.record(z.string(), z.string()), title: z.string().nullable() })
type Labelled = z.infer<typeof labelsRow>

/**
 * Returns null when nothing changes, and when an earlier request with the same key did it. Throws no_such_deployment,
 * idempotency_key_reused, bad_request for too many labels, and what `requireRight` throws.
 */
export async function changeLabels(
  pool: Database,
  name: string,
  changes: LabelChanges,
  by: AuditActor,
  requireRight: (deployment: Target) => void,
  key: IdempotencyKey | undefined,
  begin: BeginWrite,
): Promise<ChangeEvent | null> {
  return pool.transaction(async (transaction) => {
    const window = await begin()
    if (key && (await claimIdempotencyKey(transaction, key)) !== null) return null
    const { id, owner } = await lockDeployment(transaction, name)
    requireRight({ name, owner })
    const before = await transaction.one(labelsOf(name))
    const after = applyLabelChanges(name, before, changes)
    await requireInTime(transaction, key, window)
    const details = describeChanges(before, after)
    if (details === null) return null
    await transaction.query(sql.unsafe`
      update deployments set labels = ${toJsonb(after.labels)}, title = ${after.title}, updated_at = now(), revision = default
      where id = ${id}`)
    await insertAuditEntry(transaction, { by, operation: 'label', deployment: name, details })
    return readChangeEvent(transaction, id)
  })
}

/** Whether the change would change something. Throws no_such_deployment, and bad_request for too many labels. */
export async function wouldChangeLabels(
  pool: Database,
  name: string,
  changes: LabelChanges,
): Promise<boolean> {
  const before = await pool.maybeOne(labelsOf(name))
  if (before === null) throw noSuchDeployment(name)
  return describeChanges(before, applyLabelChanges(name, before, changes)) !== null
}

const labelsOf = (name: string) =>
  sql.type(labelsRow)`select labels, title from deployments where name = ${name}`

function applyLabelChanges(
  name: string,
  before: Labelled,
  { set = {}, remove = [], title }: LabelChanges,
): Labelled {
  const labels = new Map(Object.entries(before.labels))
  for (const key of remove) labels.delete(key)
  for (const [key, value] of Object.entries(set)) labels.set(key, value)
  if (labels.size > maxLabels)
    throw new ApiError(
      'bad_request',
      `Deployment ${name} would have ${labels.size} labels: at most ${maxLabels}. Remove some.`,
    )
  return { labels: Object.fromEntries(labels), title: title === undefined ? before.title : title }
}

const maxDetailBytes = 16_000

/** Null: nothing changes. */
function describeChanges(before: Labelled, after: Labelled): AuditDetails | null {
  const labelIn = (labels: Labels, key: string) => (Object.hasOwn(labels, key) ? (labels[key] ?? null) : null)
  const keys = [...new Set([...Object.keys(before.labels), ...Object.keys(after.labels)])].sort()
  const changed = keys
    .map(
      (key): AuditedLabel => ({
        key,
        before: labelIn(before.labels, key),
        after: labelIn(after.labels, key),
      }),
    )
    .filter((label) => label.before !== label.after)
  const hasNewTitle = before.title !== after.title
  if (changed.length === 0 && !hasNewTitle) return null
  const kept = cutList(changed, maxDetailBytes)
  const left = changed.length - kept.length
  return {
    ...(changed.length > 0 ? { labels: kept } : {}),
    ...(left > 0 ? { more_labels: left } : {}),
    ...(hasNewTitle ? { title: { before: before.title, after: after.title } } : {}),
  }
}
