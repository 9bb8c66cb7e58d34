/**
 * Step 4: an intention becomes an accepted action, in one transaction and one round trip (enqueue_action, migration 0004):
 * lock the deployment, may it move?, insert the action, set the status. Called by the functions and by the runner's retention; the bell is rung after it.
 */
import { sql } from 'slonik'
import { z } from 'zod'
import { type ActionKind, actions, allowedStatuses } from '../../domain/actions.ts'
import { deploymentBusy, idempotencyKeyReused, noSuchDeployment } from '../../domain/errors.ts'
import type { ChangeEvent } from '../../domain/event.ts'
import type { ByLevel, Override } from '../../domain/overrides.ts'
import type { FullInfo } from '../../domain/schemas.ts'
import { unmetConditionError } from '../../domain/start-conditions.ts'
import { type Status, statuses } from '../../domain/statuses.ts'
import { isUniqueViolation } from '../errors.ts'
import type { Database, Transaction } from '../pool.ts'
import { toChangeEvent } from './deployments.ts'
import type { IdempotencyKey } from './idempotency.ts'
import { toJsonb } from './sql-fragments.ts'

export type Actor = { actor: string; source: string; reason: string | null }

export type ActionRequest = Actor & {
  kind: ActionKind
  name: string
  /** Create and update: the whole new set. Others keep what is stored. */
  overrides?: ByLevel<readonly Override[]>
  /** Whether config_check has said yes already; otherwise the runner asks it before the script. */
  configChecked: boolean
  /** Refused when the overrides have changed since the deployment had this revision. */
  revision?: number | undefined
  key?: IdempotencyKey | undefined
}

/** `change` is null for a repeated Idempotency-Key: nothing happened now. */
export type EnqueuedAction = { actionId: number; change: ChangeEvent | null }

const enqueuedRow = z.object({
  outcome: z.enum([
    'enqueued',
    'replayed',
    'idempotency_key_reused',
    'name_taken',
    'no_such_deployment',
    'busy',
    'invalid_transition',
    'precondition_failed',
  ]),
  status: z.enum(statuses).nullable(),
  action_id: z.number().nullable(),
  body: z.custom<FullInfo>().nullable(),
})

/**
 * Accepts the intention. Throws a Refusal: name_taken, no_such_deployment, busy, invalid_transition, precondition_failed, idempotency_key_reused.
 * When it rejects with a database error the outcome is unknown; the same key asked again tells.
 */
export async function enqueueAction(pool: Database, request: ActionRequest): Promise<EnqueuedAction> {
  try {
    const enqueued = await pool.one(enqueueActionQuery(request))
    if (enqueued.outcome === 'enqueued' && enqueued.body !== null) {
      return { actionId: enqueued.action_id ?? 0, change: toChangeEvent(enqueued.body) }
    }
    if (enqueued.outcome === 'replayed') return { actionId: enqueued.action_id ?? 0, change: null }
    throw toError(request, enqueued)
  } catch (error) {
    // Whatever the code believes, the index decides.
    if (isUniqueViolation(error)) throw deploymentBusy(request.name)
    throw error
  }
}

function enqueueActionQuery(request: ActionRequest) {
  const { kind, name, overrides, actor, source, reason, configChecked, revision, key } = request
  const application = overrides ? toJsonb(overrides.application) : null
  const deployment = overrides ? toJsonb(overrides.deployment) : null
  return sql.type(enqueuedRow)`
    select outcome, status, action_id, body from enqueue_action(
      ${name}, ${kind}, ${sql.array(allowedStatuses(kind), 'text')}, ${actions[kind].runningStatus}, ${application}, ${deployment},
      ${actor}, ${source}, ${reason}, ${configChecked}, ${key?.key ?? null}, ${key?.fingerprint ?? null},
      ${revision ?? null})`
}

function toError(request: ActionRequest, { outcome, status }: z.infer<typeof enqueuedRow>): Error {
  if (outcome === 'idempotency_key_reused') return idempotencyKeyReused()
  if (outcome === 'enqueued' || outcome === 'replayed') return new Error('enqueue_action returned no action')
  return unmetConditionError(outcome, request, status)
}

const lockedRow = z.object({ id: z.number(), status: z.enum(statuses) })

/**
 * Locks the row; throws a Refusal when it is not there or an action of it is under way. Two statements, for whoever
 * waits for the lock still sees all other rows as they were before: only the second one sees what was committed meanwhile.
 */
export async function lockIdleDeployment(
  transaction: Transaction,
  name: string,
): Promise<{ id: number; status: Status }> {
  const row = await transaction.maybeOne(sql.type(lockedRow)`
    select id, status from deployments where name = ${name} for update`)
  if (row === null) throw noSuchDeployment(name)
  const active = await transaction.exists(sql.unsafe`
    select from actions where deployment_id = ${row.id} and state in ('queued', 'running')`)
  if (active) throw deploymentBusy(name)
  return row
}
