/** Fixtures of the tests of db/: a migrated database, and helpers for the steps of an action. */
import assert from 'node:assert/strict'
import { after, before } from 'node:test'
import pg from 'pg'
import { type Database, openPool } from '../../db/pool.ts'
import { type ClaimedAction, claim, finish, start } from '../../db/queries/action-lifecycle.ts'
import { readInfo } from '../../db/queries/actions.ts'
import { getFullInfos, requireFullInfo } from '../../db/queries/deployments.ts'
import { type ActionRequest, type EnqueuedAction, enqueueAction } from '../../db/queries/enqueue-action.ts'
import type { BeginWrite } from '../../db/queries/idempotency.ts'
import { readOutputEnd, readStream } from '../../db/queries/output.ts'
import type { ActionKind, ScriptResult } from '../../domain/actions.ts'
import type { Info } from '../../domain/schemas.ts'
import type { Status } from '../../domain/statuses.ts'
import { createDatabase } from '../helpers/datastores.ts'
import { waitFor } from '../helpers/wait-for.ts'
import { withDatabase } from '../helpers/with-database.ts'

export type TestDatabase = {
  url: string
  pool: Database
  /** Runs SQL without the query functions of db/. */
  // biome-ignore lint/suspicious/noExplicitAny: rows of any shape
  raw: (text: string, values?: unknown[]) => Promise<any[]>
}

/** `opened`: Node runs the hooks of a file side by side, so a hook that needs the database waits for it. */
export type OwnDatabase = TestDatabase & { opened: Promise<void> }

/** A migrated database for the tests of one file; created before and dropped after them. */
export function useTestDatabase(size = 5): OwnDatabase {
  const opened = Promise.withResolvers<void>()
  const db = { opened: opened.promise } as OwnDatabase
  let client: pg.Pool
  let drop: () => Promise<void>
  before(async () => {
    const database = await createDatabase()
    drop = database.drop
    client = new pg.Pool({ connectionString: database.url, max: 5 })
    client.on('error', () => {})
    db.url = database.url
    db.pool = await openPool(database.url, { size })
    db.raw = async (text, values) => (await client.query(text, values)).rows
    opened.resolve()
  })
  after(async () => {
    await db.pool?.end()
    await client?.end()
    await drop?.()
  })
  return db
}

export const testActor = {
  actor: 'ann',
  person: null,
  proof: 'shared',
  claimedActor: null,
  address: null,
  requestId: null,
  scope: 'all',
  source: 'api',
  reason: null,
} as const
export const actorNamed = (actor: string) => ({ ...testActor, actor })
/** The caller has every right. */
export const anyRight = (): void => {}
export const leaseMs = 30_000

export const scriptResult = (
  exitCode: number | null,
  overrides: Partial<ScriptResult> = {},
): ScriptResult => ({
  exitCode,
  signal: null,
  timedOut: false,
  cancelled: false,
  interrupted: false,
  truncated: false,
  durationMs: 1,
  error: null,
  ...overrides,
})

export const enqueue = (
  { pool }: TestDatabase,
  kind: ActionKind,
  name: string,
  more: Partial<ActionRequest> = {},
  begin?: BeginWrite,
): Promise<EnqueuedAction> =>
  enqueueAction(pool, { kind, name, configChecked: true, ...testActor, ...more }, begin)

export async function claimNow(
  { pool }: TestDatabase,
  actionId: number,
  ms = leaseMs,
): Promise<ClaimedAction> {
  const claimed = await claim(pool, actionId, 'runner', ms)
  assert.ok(claimed, `action ${actionId} could not be claimed`)
  return claimed
}

/** Enqueues, claims and starts an action. */
export async function startAction(db: TestDatabase, kind: ActionKind, name: string): Promise<ClaimedAction> {
  const claimed = await claimNow(db, (await enqueue(db, kind, name)).actionId)
  await start(db.pool, claimed, null)
  return claimed
}

/** Runs an action from enqueue to finish. */
export async function runAction(db: TestDatabase, kind: ActionKind, name: string, exitCode = 0) {
  const claimed = await startAction(db, kind, name)
  await finish(db.pool, claimed, scriptResult(exitCode))
  return claimed
}

/**
 * Starts `attempt` while another transaction locks the deployment's row, then runs `update` in that transaction and
 * commits.
 */
export async function whileRowLocked<T>(
  db: TestDatabase,
  name: string,
  attempt: () => Promise<T>,
  update: (query: (text: string, values?: unknown[]) => Promise<unknown>) => Promise<unknown>,
): Promise<T> {
  return withDatabase(db.url, async (other) => {
    await other.query('begin')
    await other.query('select from deployments where name = $1 for update', [name])
    const attempted = attempt()
    attempted.catch(() => {})
    await waitFor('the attempt waits for the row', async () => {
      const rows = await db.raw(
        `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
      )
      return { done: rows.length > 0, value: null }
    })
    await update((text, values) => other.query(text, values))
    await other.query('commit')
    return await attempted
  })
}

/** An update for {@link whileRowLocked}: inserts an active action. */
export const insertActiveUpdate =
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

/** Inserts a deployment with a successful create; direct SQL for speed. Returns its name. */
export async function insertDeployment(db: TestDatabase, status: Status = 'Running'): Promise<string> {
  const name = newName()
  await db.raw(
    `with inserted as (
       insert into deployments (name, status, archived_at, app_overrides, deployment_overrides, links)
       values ($1, $2, case when $2 = 'Archived' then now() end, '[]', '[]', '[]') returning id)
     insert into actions (deployment_id, kind, state, app_overrides, deployment_overrides, actor, source,
       started_at, finished_at, exit_code)
     select id, 'create', 'succeeded', '[]', '[]', 'ann', 'api', now(), now(), 0 from inserted`,
    [name, status],
  )
  return name
}

/** Expires the lease, as if the runner was lost. */
export const expireLease = (db: TestDatabase, actionId: number) =>
  db.raw(
    `update actions set lease_expires_at = now() - interval '1 second', writer_token = fencing_token where id = $1`,
    [actionId],
  )

/** The full info of one deployment as JSON text. Throws no_such_deployment. */
export async function getFullInfo(pool: Database, name: string): Promise<string> {
  return requireFullInfo((await getFullInfos(pool, [name])).get(name), name)
}

export async function statusOf(db: TestDatabase, name: string): Promise<Status | 'deleted'> {
  const [row] = await db.raw('select status from deployments where name = $1', [name])
  return row?.status ?? 'deleted'
}

export async function actionRow(db: TestDatabase, actionId: number) {
  const [row] = await db.raw('select * from actions where id = $1', [actionId])
  return row
}

/** The values and the errors of concurrent attempts. */
export async function settleAll<T>(attempts: Promise<T>[]) {
  const settled = await Promise.allSettled(attempts)
  return {
    won: settled.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : [])),
    lost: settled.flatMap((result) => (result.status === 'rejected' ? [result.reason] : [])),
  }
}

export const repeat = <T>(count: number, make: (index: number) => T): T[] =>
  Array.from({ length: count }, (_, index) => make(index))

/** For assert.rejects: an error with this code and message. */
export const isRefusal = (code: string, message?: RegExp) => (error: { code?: string; message: string }) => {
  assert.equal(error.code, code, error.message)
  if (message) assert.match(error.message, message)
  return true
}

/** The whole output of an action, as one text for each stream; of a removed one only when and why. */
export async function getWholeOutput(pool: Database, actionId: number) {
  const { lastSeq, ...removal } = await readOutputEnd(pool, actionId)
  const whole = async (stream: 'stdout' | 'stderr') =>
    removal.removedAt === null
      ? (await Array.fromAsync(readStream(pool, actionId, stream, lastSeq))).join('')
      : ''
  return { ...removal, stdout: await whole('stdout'), stderr: await whole('stderr') }
}

/** All pages of a list. */
export async function collect<T>(pages: AsyncIterable<readonly T[]>): Promise<T[]> {
  return (await Array.fromAsync(pages)).flat()
}

/** The info record with all its actions. */
export async function readWholeInfo(pool: Database, name: string): Promise<Info> {
  const { logs, createdAt: _, ...head } = await readInfo(pool, name)
  return { ...head, logs: await collect(logs) }
}
