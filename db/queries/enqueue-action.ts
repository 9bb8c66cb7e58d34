/**
 * Accepts an action: locks the deployment, checks that the action may start or wait, sets the status and inserts the action,
 * in one transaction and one round trip (SQL function enqueue_action). Called by functions/deployments and by the runner's
 * retention, which notify the runners afterwards.
 */
import { sql } from 'slonik'
import { z } from 'zod'
import type { Scope } from '../../domain/access/roles.ts'
import { type ActionKind, actions, allowedStatuses, type WhenBusy } from '../../domain/actions.ts'
import type { AuditDetails } from '../../domain/audit/operations.ts'
import { deploymentBusy, idempotencyKeyReused, notOwner } from '../../domain/errors.ts'
import type { ChangeEvent } from '../../domain/event.ts'
import type { Labels } from '../../domain/labels.ts'
import type { ByLevel, Override } from '../../domain/overrides.ts'
import type { FullInfo } from '../../domain/schemas.ts'
import { unmetConditionError, waitsIn } from '../../domain/start-conditions.ts'
import { type Status, statuses } from '../../domain/statuses.ts'
import { isUniqueViolation } from '../errors.ts'
import type { Database } from '../pool.ts'
import type { AuditActor } from './audit/insert-entry.ts'
import { toChangeEvent } from './deployments.ts'
import { type BeginWrite, type IdempotencyKey, inTime, type RequestWindow } from './idempotency.ts'
import { toJsonb } from './sql-fragments.ts'

/** Who requests an action. */
export type Actor = AuditActor & {
  source: string
  /** The address of a CI run. */
  link?: string | null
}

export type ActionRequest = Actor & {
  kind: ActionKind
  name: string
  /** The whole new set, for create and update. Other actions keep the stored overrides. */
  overrides?: ByLevel<readonly Override[]>
  /** Only for create. */
  labels?: Labels | undefined
  title?: string | null | undefined
  /** One of many of a bulk request: it is claimed after those of single requests. */
  isBulk?: boolean | undefined
  /** True if config_check has accepted the config. Otherwise the runner runs it before the script. */
  configChecked: boolean
  /** The deployments for which the caller has the right. */
  scope: Scope
  /** The request is refused when the overrides changed after this revision. */
  revision?: number | undefined
  /** Other than `fail`, the default: an action that may not start now waits (waitsIn of domain/start-conditions.ts). */
  whenBusy?: WhenBusy | undefined
  /** What the request changes in a config of this revision, with secrets masked: for the audit log. */
  changes?: { details: AuditDetails; revision: number } | undefined
  key?: IdempotencyKey | undefined
}

/** `change` is null for a repeated Idempotency-Key, which changes nothing. */
export type EnqueuedAction = { actionId: number; change: ChangeEvent | null }

const statusesToWaitIn = (request: ActionRequest): Status[] =>
  statuses.filter((status) => waitsIn(request, status))

const enqueuedRow = z.object({
  outcome: z.enum([
    'enqueued',
    'replayed',
    'idempotency_key_reused',
    'name_taken',
    'no_such_deployment',
    'not_owner',
    'busy',
    'invalid_transition',
    'precondition_failed',
  ]),
  status: z.enum(statuses).nullable(),
  action_id: z.number().nullable(),
  body: z.custom<FullInfo>().nullable(),
})

/**
 * Throws an ApiError: name_taken, no_such_deployment, forbidden, busy, invalid_transition, precondition_failed,
 * idempotency_key_reused. After a database error the outcome is unknown, except for a late request; a retry with the
 * same key returns it.
 */
export async function enqueueAction(
  pool: Database,
  request: ActionRequest,
  begin?: BeginWrite,
): Promise<EnqueuedAction> {
  try {
    const enqueued = await runInTime(pool, request, begin)
    if (enqueued.outcome === 'enqueued' && enqueued.body !== null) {
      return { actionId: enqueued.action_id ?? 0, change: toChangeEvent(enqueued.body) }
    }
    if (enqueued.outcome === 'replayed') return { actionId: enqueued.action_id ?? 0, change: null }
    throw toError(request, enqueued)
  } catch (error) {
    // The unique index on active actions.
    if (isUniqueViolation(error)) throw deploymentBusy(request.name)
    throw error
  }
}

async function runInTime(
  pool: Database,
  request: ActionRequest,
  begin: BeginWrite | undefined,
): Promise<z.infer<typeof enqueuedRow>> {
  if (begin === undefined) return pool.one(enqueueActionQuery(request, null))
  const result = await pool.connect(async (connection) => {
    // Slonik closes the connection of a handler that throws, and this one is in order.
    const [begun] = await Promise.allSettled([begin()])
    return begun.status === 'rejected' ? begun : connection.one(enqueueActionQuery(request, begun.value))
  })
  if ('reason' in result) throw result.reason
  return result
}

function enqueueActionQuery(request: ActionRequest, window: RequestWindow | null) {
  const { kind, name, overrides, actor, source, reason, configChecked, revision, key } = request
  const {
    person,
    proof,
    claimedActor,
    scope,
    address,
    requestId,
    changes,
    link = null,
    labels,
    title,
    isBulk = false,
  } = request
  const application = overrides ? toJsonb(overrides.application) : null
  const deployment = overrides ? toJsonb(overrides.deployment) : null
  return sql.type(enqueuedRow)`
    select outcome, status, action_id, body from enqueue_action(
      ${name}, ${kind}, ${sql.array(allowedStatuses(kind), 'text')}, ${actions[kind].runningStatus}, ${application}, ${deployment},
      ${actor}, ${source}, ${reason}, ${configChecked}, ${key?.key ?? null}, ${key?.fingerprint ?? null},
      ${revision ?? null}, ${person?.issuer ?? null}, ${person?.subject ?? null}, ${proof}, ${claimedActor}, ${scope},
      ${address}, ${requestId}, ${changes === undefined ? null : toJsonb(changes.details)}, ${changes?.revision ?? null}, ${link},
      ${labels === undefined ? null : toJsonb(labels)}, ${title ?? null}, ${sql.array(statusesToWaitIn(request), 'text')}, ${isBulk})
    where outcome <> 'enqueued' or ${inTime(key, window)}`
}

function toError(request: ActionRequest, { outcome, status }: z.infer<typeof enqueuedRow>): Error {
  if (outcome === 'idempotency_key_reused') return idempotencyKeyReused()
  if (outcome === 'not_owner') return notOwner(request.name, request.kind)
  if (outcome === 'enqueued' || outcome === 'replayed') return new Error('enqueue_action returned no action')
  return unmetConditionError(outcome, request, status)
}
