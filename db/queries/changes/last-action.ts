/** The last action of a deployment, to repeat or to cancel it, and the action that waits. Called by functions/bulk and functions/deployments. */
import { sql } from 'slonik'
import { z } from 'zod'
import { type ActionKind, actionKinds, actionStates } from '../../../domain/actions.ts'
import { nestOverrides, storedOverrides } from '../../../domain/schemas.ts'
import type { Database } from '../../pool.ts'

const lastActionRow = z
  .object({
    id: z.number(),
    kind: z.enum(actionKinds as [ActionKind, ...ActionKind[]]),
    state: z.enum(actionStates),
    isCancelRequested: z.boolean(),
    app_overrides: storedOverrides,
    deployment_overrides: storedOverrides,
  })
  .transform(nestOverrides)
export type LastAction = z.infer<typeof lastActionRow>

/** Null for an unknown deployment and for one without actions. An action that never left its wait does not count. */
export async function readLastAction(pool: Database, name: string): Promise<LastAction | null> {
  return pool.maybeOne(sql.type(lastActionRow)`
    select a.id, a.kind, a.state, a.cancel_requested_at is not null as "isCancelRequested", a.app_overrides, a.deployment_overrides
    from actions a join deployments d on d.id = a.deployment_id
    where d.name = ${name} and a.wait_conditions is null
    order by a.id desc limit 1`)
}

const idRow = z.object({ id: z.number() })

/** The id of the action that waits for the end of another one, or of a check; null without one. */
export async function readWaitingAction(pool: Database, name: string): Promise<number | null> {
  return pool.maybeOneFirst(sql.type(idRow)`
    select a.id from actions a join deployments d on d.id = a.deployment_id where d.name = ${name} and a.state = 'waiting'`)
}

const waitRow = z.object({
  waitingId: z.number().nullable(),
  id: z.number().nullable(),
  kind: z.enum(actionKinds as [ActionKind, ...ActionKind[]]).nullable(),
  state: z.enum(actionStates).nullable(),
})
export type Wait = z.infer<typeof waitRow>

/** The id of the action that waits, and the action that it waits for; null for what there is none of. Null for an unknown deployment. */
export async function readWait(pool: Database, name: string): Promise<Wait | null> {
  return pool.maybeOne(sql.type(waitRow)`
    select last.id, last.kind, last.state,
      (select w.id from actions w where w.deployment_id = d.id and w.state = 'waiting') as "waitingId"
    from deployments d left join lateral (
      select a.id, a.kind, a.state from actions a
      where a.deployment_id = d.id and a.wait_conditions is null order by a.id desc limit 1) last on true
    where d.name = ${name}`)
}
