/**
 * Step 4: an intention becomes an accepted action, in one transaction: lock the deployment, may it move?, insert the
 * action, set the status. Called by the functions and by the runner's retention; the bell is rung after it.
 */
import { type SerializableValue, sql } from 'slonik'
import { z } from 'zod'
import { type ActionKind, actions, mayBegin, refusedMove } from '../domain/action.ts'
import { Refusal } from '../domain/errors.ts'
import type { ChangeEvent } from '../domain/event.ts'
import type { Override } from '../domain/overrides.ts'
import { type Status, statuses } from '../domain/status.ts'
import { changeOf } from './deployments.ts'
import { isUniqueViolation } from './errors.ts'
import { claimKey, type IdempotencyKey, keepAction } from './idempotency.ts'
import type { Database, Transaction } from './pool.ts'

export type Asker = { actor: string; source: string; reason: string | null }
export type Overrides = { app: readonly Override[]; deployment: readonly Override[] }

export type Intention = Asker & {
  kind: ActionKind
  name: string
  /** Create and update: the whole new set. Others keep what is stored. */
  overrides?: Overrides
  /** Whether config_check has said yes already; otherwise the runner asks it before the script. */
  configChecked: boolean
  key?: IdempotencyKey | undefined
}

/** `change` is null for a repeated Idempotency-Key: nothing happened now. */
export type Begun = { actionId: number; change: ChangeEvent | null }

export const json = (value: unknown) => sql.jsonb(value as SerializableValue)

/**
 * Accepts the intention. Throws a Refusal: name_taken, no_such_deployment, busy, impossible_move, key_reused.
 * When it rejects with a database error the outcome is unknown; the same key asked again tells.
 */
export async function begin(pool: Database, intention: Intention): Promise<Begun> {
  try {
    return await pool.transaction(async (transaction) => {
      const before = intention.key ? await claimKey(transaction, intention.key) : null
      if (before !== null) return { actionId: before.actionId ?? 0, change: null }
      const deploymentId =
        intention.kind === 'create'
          ? await insertDeployment(transaction, intention)
          : await lockDeployment(transaction, intention)
      const actionId = await insertAction(transaction, deploymentId, intention)
      if (intention.key) await keepAction(transaction, intention.key, actionId)
      return { actionId, change: await changeOf(transaction, deploymentId) }
    })
  } catch (error) {
    // Whatever the code believes, the index decides.
    if (isUniqueViolation(error)) throw busy(intention.name)
    throw error
  }
}

const idRow = z.object({ id: z.number() })

async function insertDeployment(transaction: Transaction, { name, overrides }: Intention): Promise<number> {
  const row = await transaction.maybeOne(sql.type(idRow)`
    insert into deployments (name, status, app_overrides, deployment_overrides, links)
    values (${name}, ${actions.create.during}, ${json(overrides?.app ?? [])}, ${json(overrides?.deployment ?? [])}, '[]')
    on conflict (name) do nothing
    returning id`)
  if (row === null) throw new Refusal('name_taken', `Deployment ${name} already exists.`)
  return row.id
}

const lockedRow = z.object({ id: z.number(), status: z.enum(statuses) })

/**
 * Locks the row; throws a Refusal when it is not there or an action of it is under way. Two statements, for whoever
 * waits for the lock still sees all other rows as they were before: only the second one sees what was committed meanwhile.
 */
export async function lockIdle(
  transaction: Transaction,
  name: string,
): Promise<{ id: number; status: Status }> {
  const row = await transaction.maybeOne(sql.type(lockedRow)`
    select id, status from deployments where name = ${name} for update`)
  if (row === null) throw new Refusal('no_such_deployment', `There is no deployment ${name}.`)
  const active = await transaction.exists(sql.unsafe`
    select from actions where deployment_id = ${row.id} and state in ('queued', 'running')`)
  if (active) throw busy(name)
  return row
}

async function lockDeployment(
  transaction: Transaction,
  { kind, name, overrides }: Intention,
): Promise<number> {
  const { id, status } = await lockIdle(transaction, name)
  if (!mayBegin(kind, status)) throw new Refusal('impossible_move', refusedMove(kind, name, status))
  const during = actions[kind].during ?? status
  const changed = overrides
    ? sql.fragment`, app_overrides = ${json(overrides.app)}, deployment_overrides = ${json(overrides.deployment)}`
    : sql.fragment``
  await transaction.query(sql.unsafe`
    update deployments
    set status = ${during}, status_updated_at = now(), updated_at = now(), archived_at = case when ${kind} = 'cleanup' then archived_at end, revision = default ${changed}
    where id = ${id}`)
  return id
}

async function insertAction(
  transaction: Transaction,
  deploymentId: number,
  intention: Intention,
): Promise<number> {
  const row = await transaction.one(sql.type(idRow)`
    insert into actions (deployment_id, kind, state, app_overrides, deployment_overrides, actor, source, reason, config_checked)
    select id, ${intention.kind}, 'queued', app_overrides, deployment_overrides,
      ${intention.actor}, ${intention.source}, ${intention.reason}, ${intention.configChecked}
    from deployments where id = ${deploymentId}
    returning id`)
  return row.id
}

const busy = (name: string) => new Refusal('busy', `Deployment ${name} is currently being processed.`)
