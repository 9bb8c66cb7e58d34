/** What tests of the database rooms stand on: a database of their own, and short words for an action's steps. */
import assert from 'node:assert/strict'
import { after, before } from 'node:test'
import pg from 'pg'
import { type Begun, begin, type Intention } from '../../db/begin.ts'
import { type Database, openPool } from '../../db/pool.ts'
import { type Claimed, claim, finish, start } from '../../db/transition.ts'
import type { ActionKind, ScriptResult } from '../../domain/action.ts'
import type { Status } from '../../domain/status.ts'
import { withDatabase } from '../helpers/database.ts'
import { eventually } from '../helpers/eventually.ts'
import { createDatabase } from '../helpers/stores.ts'

export type Ground = {
  url: string
  pool: Database
  /** Raw SQL, past everything db/ knows. */
  // biome-ignore lint/suspicious/noExplicitAny: rows of any shape
  raw: (text: string, values?: unknown[]) => Promise<any[]>
}

/** A migrated database for the tests of one file, opened before and dropped after them. */
export function ground(size = 5): Ground {
  const opened = {} as Ground
  let client: pg.Pool
  let drop: () => Promise<void>
  before(async () => {
    const database = await createDatabase()
    drop = database.drop
    client = new pg.Pool({ connectionString: database.url, max: 5 })
    client.on('error', () => {})
    opened.url = database.url
    opened.pool = await openPool(database.url, { size })
    opened.raw = async (text, values) => (await client.query(text, values)).rows
  })
  after(async () => {
    await opened.pool?.end()
    await client?.end()
    await drop?.()
  })
  return opened
}

export const asker = { actor: 'ann', source: 'api', reason: null }
export const leaseMs = 30_000

export const ended = (exitCode: number | null, how: Partial<ScriptResult> = {}): ScriptResult => ({
  exitCode,
  signal: null,
  timedOut: false,
  cancelled: false,
  interrupted: false,
  truncated: false,
  durationMs: 1,
  problem: null,
  ...how,
})

export const ask = (
  { pool }: Ground,
  kind: ActionKind,
  name: string,
  more: Partial<Intention> = {},
): Promise<Begun> => begin(pool, { kind, name, configChecked: true, ...asker, ...more })

export async function take({ pool }: Ground, actionId: number, ms = leaseMs): Promise<Claimed> {
  const held = await claim(pool, actionId, 'runner', ms)
  assert.ok(held, `action ${actionId} could not be claimed`)
  return held
}

/** Begun, claimed and started. */
export async function running(ground: Ground, kind: ActionKind, name: string): Promise<Claimed> {
  const held = await take(ground, (await ask(ground, kind, name)).actionId)
  await start(ground.pool, held, null)
  return held
}

/** From begin to finish. */
export async function perform(ground: Ground, kind: ActionKind, name: string, exitCode = 0) {
  const held = await running(ground, kind, name)
  await finish(ground.pool, held, ended(exitCode))
  return held
}

/** Has `attempt` wait for the deployment's row, which a transaction of `change` holds and then commits. */
export async function meanwhile<T>(
  ground: Ground,
  name: string,
  attempt: () => Promise<T>,
  change: (query: (text: string, values?: unknown[]) => Promise<unknown>) => Promise<unknown>,
): Promise<T> {
  return withDatabase(ground.url, async (other) => {
    await other.query('begin')
    await other.query('select from deployments where name = $1 for update', [name])
    const attempted = attempt()
    attempted.catch(() => {})
    await eventually('the attempt waits for the row', async () => {
      const rows = await ground.raw(
        `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
      )
      return { done: rows.length > 0, value: null }
    })
    await change((text, values) => other.query(text, values))
    await other.query('commit')
    return await attempted
  })
}

/** For {@link meanwhile}: an update begins. */
export const beginUpdate =
  (name: string) => async (query: (text: string, values?: unknown[]) => Promise<unknown>) => {
    await query(`update deployments set status = 'UpdatePending' where name = $1`, [name])
    await query(
      `insert into actions (deployment_id, kind, state, app_overrides, deployment_overrides, actor, source)
     select id, 'update', 'queued', '[]', '[]', 'x', 'api' from deployments where name = $1`,
      [name],
    )
  }

let count = 0
export const newName = (): string => `n${(count++).toString(36)}x`

/** A deployment of this status whose create has ended well, made by hand for speed; gives its name. */
export async function deployment(ground: Ground, status: Status = 'Running'): Promise<string> {
  const name = newName()
  await ground.raw(
    `with made as (
       insert into deployments (name, status, archived_at, app_overrides, deployment_overrides, links)
       values ($1, $2, case when $2 = 'Archived' then now() end, '[]', '[]', '[]') returning id)
     insert into actions (deployment_id, kind, state, app_overrides, deployment_overrides, actor, source,
       started_at, finished_at, exit_code)
     select id, 'create', 'succeeded', '[]', '[]', 'ann', 'api', now(), now(), 0 from made`,
    [name, status],
  )
  return name
}

/** The runner that holds it has been silent for too long. */
export const loseLease = (ground: Ground, actionId: number) =>
  ground.raw(
    `update actions set lease_expires_at = now() - interval '1 second', hand = lease_epoch where id = $1`,
    [actionId],
  )

export async function statusOf(ground: Ground, name: string): Promise<Status | 'gone'> {
  const [row] = await ground.raw('select status from deployments where name = $1', [name])
  return row?.status ?? 'gone'
}

export async function actionRow(ground: Ground, actionId: number) {
  const [row] = await ground.raw('select * from actions where id = $1', [actionId])
  return row
}

/** What came of several attempts at once: the values, and the reasons of the rest. */
export async function outcomes<T>(attempts: Promise<T>[]) {
  const settled = await Promise.allSettled(attempts)
  return {
    won: settled.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : [])),
    lost: settled.flatMap((one) => (one.status === 'rejected' ? [one.reason] : [])),
  }
}

export const times = <T>(count: number, make: (at: number) => T): T[] =>
  Array.from({ length: count }, (_, at) => make(at))

/** For assert.rejects: refused with this code, and words. */
export const refusal = (code: string, words?: RegExp) => (error: { code?: string; message: string }) => {
  assert.equal(error.code, code, error.message)
  if (words) assert.match(error.message, words)
  return true
}
