/**
 * Step 4: an intention becomes an accepted action, in one transaction and one round trip (begin_action, migration 0004):
 * lock the deployment, may it move?, insert the action, set the status. Called by the functions and by the runner's retention; the bell is rung after it.
 */
import { type SerializableValue, sql } from 'slonik'
import { z } from 'zod'
import { type ActionKind, actions, refusedMove } from '../domain/action.ts'
import { Refusal } from '../domain/errors.ts'
import type { ChangeEvent } from '../domain/event.ts'
import type { Override } from '../domain/overrides.ts'
import type { FullInfo } from '../domain/shapes.ts'
import { type Status, statuses } from '../domain/status.ts'
import { changeOfBody } from './deployments.ts'
import { isUniqueViolation } from './errors.ts'
import { type IdempotencyKey, keyReused } from './idempotency.ts'
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
  /** Refused when the overrides have changed since the deployment had this revision. */
  revision?: number | undefined
  key?: IdempotencyKey | undefined
}

/** `change` is null for a repeated Idempotency-Key: nothing happened now. */
export type Begun = { actionId: number; change: ChangeEvent | null }

export const json = (value: unknown) => sql.jsonb(value as SerializableValue)

const begunRow = z.object({
  outcome: z.enum([
    'begun',
    'replayed',
    'key_reused',
    'name_taken',
    'no_such_deployment',
    'busy',
    'impossible_move',
    'changed_meanwhile',
  ]),
  status: z.enum(statuses).nullable(),
  action_id: z.number().nullable(),
  body: z.custom<FullInfo>().nullable(),
})

/**
 * Accepts the intention. Throws a Refusal: name_taken, no_such_deployment, busy, impossible_move, changed_meanwhile, key_reused.
 * When it rejects with a database error the outcome is unknown; the same key asked again tells.
 */
export async function begin(pool: Database, intention: Intention): Promise<Begun> {
  try {
    const begun = await pool.one(callOf(intention))
    if (begun.outcome === 'begun' && begun.body !== null) {
      return { actionId: begun.action_id ?? 0, change: changeOfBody(begun.body) }
    }
    if (begun.outcome === 'replayed') return { actionId: begun.action_id ?? 0, change: null }
    throw refusalOf(intention, begun)
  } catch (error) {
    // Whatever the code believes, the index decides.
    if (isUniqueViolation(error)) throw busy(intention.name)
    throw error
  }
}

function callOf(intention: Intention) {
  const { kind, name, overrides, actor, source, reason, configChecked, revision, key } = intention
  const { from, during } = actions[kind]
  const app = overrides ? json(overrides.app) : null
  const deployment = overrides ? json(overrides.deployment) : null
  return sql.type(begunRow)`
    select outcome, status, action_id, body from begin_action(
      ${name}, ${kind}, ${sql.array([...from], 'text')}, ${during}, ${app}, ${deployment},
      ${actor}, ${source}, ${reason}, ${configChecked}, ${key?.key ?? null}, ${key?.fingerprint ?? null},
      ${revision ?? null})`
}

function refusalOf({ kind, name }: Intention, { outcome, status }: z.infer<typeof begunRow>): Error {
  switch (outcome) {
    case 'key_reused':
      return keyReused()
    case 'name_taken':
      return new Refusal('name_taken', `Deployment ${name} already exists.`)
    case 'no_such_deployment':
      return new Refusal('no_such_deployment', `There is no deployment ${name}.`)
    case 'busy':
      return busy(name)
    case 'changed_meanwhile':
      return changedMeanwhile(name)
    default:
      return status === null
        ? new Error(`begin_action answered ${outcome} without a status`)
        : new Refusal('impossible_move', refusedMove(kind, name, status))
  }
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

const busy = (name: string) => new Refusal('busy', `Deployment ${name} is currently being processed.`)

export const changedMeanwhile = (name: string) =>
  new Refusal('changed_meanwhile', `The config of deployment ${name} was changed meanwhile: read it again.`)
