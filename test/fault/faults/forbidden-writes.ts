/**
 * Tries writes that wrong code could send while a runner holds an action. The database itself must reject
 * each of them: a write without the current fencing token, a second active action, a decreasing token, a
 * claim before the end of the lease, output with another token, a way back from running to queued, the delete
 * of an active action, any change of a finished one. The functions of db/queries must change nothing when
 * their lease has ended.
 */
import pg from 'pg'
import { isStaleWrite } from '../../../db/errors.ts'
import { type Database, openPool } from '../../../db/pool.ts'
import { type ClaimedAction, finish, type Lease, renew, start } from '../../../db/queries/action-lifecycle.ts'
import { appendOutput } from '../../../db/queries/output.ts'
import { emptyResult } from '../../../domain/actions.ts'
import type { Cluster } from '../harness/cluster.ts'
import type { StatementAction } from '../harness/postgres/postgres-proxy.ts'
import { crashPoints } from './crash-points.ts'
import { startAction } from './operations.ts'

type When = 'before the start' | 'while it runs' | 'after the end'
type Statements = Record<string, string>

/** $1 is the action. The database must reject each statement. */
const forbiddenStatements: Record<When, Statements> = {
  'before the start': {
    'a second action of the deployment': `insert into actions (deployment_id, kind, state, app_overrides, deployment_overrides,
      actor, source, config_checked) select deployment_id, kind, 'queued', app_overrides, deployment_overrides, actor, 'wrong', true
      from actions where id = $1`,
    'a start without a fencing token': `update actions set state = 'running', started_at = now() where id = $1 and state = 'queued'`,
    'a start with another writer token': `update actions set state = 'running', started_at = now(), writer_token = fencing_token - 1 where id = $1`,
    'a start with an older fencing token': `update actions set state = 'running', started_at = now(), fencing_token = fencing_token - 1 where id = $1`,
  },
  'while it runs': {
    'a second action while one runs': `insert into actions (deployment_id, kind, state, app_overrides, deployment_overrides,
      actor, source, config_checked) select deployment_id, kind, 'queued', app_overrides, deployment_overrides, actor, 'wrong', true
      from actions where id = $1`,
    'output with an older fencing token': `insert into action_output (action_id, seq, stream, text, fencing_token)
      select id, 1000000, 'stdout', 'wrong', fencing_token - 1 from actions where id = $1`,
    'output with a future fencing token': `insert into action_output (action_id, seq, stream, text, fencing_token)
      select id, 1000001, 'stdout', 'wrong', fencing_token + 1 from actions where id = $1`,
    'an end without a fencing token': `update actions set state = 'failed', finished_at = now(), lease_expires_at = null where id = $1`,
    'an end with another writer token': `update actions set state = 'failed', finished_at = now(), lease_expires_at = null,
      writer_token = fencing_token - 1 where id = $1`,
    'a renewal without a fencing token': `update actions set lease_expires_at = now() + interval '1 minute' where id = $1`,
    'a delete': `delete from actions where id = $1`,
    'an end with an older fencing token': `update actions set state = 'failed', finished_at = now(), fencing_token = fencing_token - 1,
      lease_expires_at = null where id = $1`,
    'a claim before the end of the lease': `update actions set fencing_token = fencing_token + 1, lease_expires_at = now() + interval '1 minute'
      where id = $1`,
    'a way back into the queue': `update actions set state = 'queued', started_at = null where id = $1`,
  },
  'after the end': {
    'a change after the end': `update actions set state = 'failed' where id = $1`,
    'output after the end': `insert into action_output (action_id, seq, stream, text, fencing_token)
      select id, 1000002, 'stdout', 'wrong', fencing_token from actions where id = $1`,
  },
}

type Target = Lease & { deploymentId: number }
type Operations = Record<string, (pool: Database, target: Target) => Promise<unknown>>

const withOlderToken = ({ actionId, fencingToken }: Lease): Lease => ({
  actionId,
  fencingToken: fencingToken - 1,
})
const asClaimed = (lease: Lease, kind: ClaimedAction['kind'], deploymentId: number): ClaimedAction => ({
  ...lease,
  ...{
    attempt: 1,
    kind,
    deploymentId,
    name: 'wrong',
    configChecked: true,
    actor: 'a',
    source: 'api',
    claimedAtMs: 0,
    isBeingChecked: false,
  },
  overrides: { application: [], deployment: [] },
})
const finishAs = (kind: ClaimedAction['kind'], exitCode: number) => (pool: Database, target: Target) =>
  finish(pool, asClaimed(withOlderToken(target), kind, target.deploymentId), { ...emptyResult, exitCode })

/** The functions of db/queries, called by a program that has lost the action. */
const staleOperations: Record<When, Operations> = {
  'before the start': {
    'start() with an older fencing token': (pool, target) => start(pool, withOlderToken(target), []),
    'finish() before the start, with an older fencing token': finishAs('update', 1),
  },
  'while it runs': {
    'renew() with an older fencing token': (pool, target) => renew(pool, withOlderToken(target), 60_000),
    'appendOutput() with an older fencing token': (pool, target) =>
      appendOutput(pool, withOlderToken(target), [{ seq: 1_000_003, stream: 'stdout', text: 'wrong' }]),
    'finish() with an older fencing token': finishAs('update', 1),
    'finish() of a cleanup with an older fencing token': finishAs('cleanup', 0),
  },
  'after the end': {
    'renew() after the end': (pool, target) => renew(pool, target, 60_000),
    'finish() after the end': (pool, target) =>
      finish(pool, asClaimed(target, 'update', target.deploymentId), { ...emptyResult, exitCode: 1 }),
  },
}

export type Outcome = 'rejected' | 'accepted'
export type Outcomes = Record<string, Outcome>

/** Every write must be rejected. The checker, too, must find a write that is accepted. */
export function expectedOutcomes(): Outcomes {
  const names = [...Object.values(forbiddenStatements), ...Object.values(staleOperations)].flatMap((writes) =>
    Object.keys(writes),
  )
  return Object.fromEntries(names.map((name) => [name, 'rejected' as const]))
}

/** Starts an action and holds its start back in the proxy while `work` runs. */
export async function holdBeforeStart(
  cluster: Cluster,
  deployment: string,
  behaviour: string,
  work: (action: number) => Promise<void>,
): Promise<number> {
  const action = Promise.withResolvers<number>()
  const reached = Promise.withResolvers<void>()
  const done = Promise.withResolvers<void>()
  const stopIntercepting = cluster.interceptStatements(
    async (_, { sql, values }): Promise<StatementAction> => {
      if (!crashPoints.start.sql.test(sql) || !values.includes(String(await action.promise))) return 'pass'
      reached.resolve()
      await done.promise
      return 'pass'
    },
  )
  try {
    action.resolve(await startAction(cluster, deployment, 'update', behaviour))
    await reached.promise
    await work(await action.promise)
    return await action.promise
  } finally {
    action.resolve(Number.NaN)
    done.resolve()
    stopIntercepting()
  }
}

/** Tries all writes for this moment of the action. */
export async function tryForbiddenWrites(cluster: Cluster, action: number, when: When): Promise<Outcomes> {
  const url = new URL(cluster.datastores.postgres.url)
  url.searchParams.set('application_name', 'forbidden-writer')
  const [client, pool] = [
    new pg.Client({ connectionString: url.href }),
    await openPool(url.href, { size: 1 }),
  ]
  await client.connect()
  const run = async (statement: string) => (await client.query(statement, [action])).rowCount === 1
  const outcomes: Outcomes = {}
  try {
    const { rows } = await client.query(
      'select id::int as "actionId", fencing_token as "fencingToken", deployment_id::int as "deploymentId" from actions where id = $1',
      [action],
    )
    for (const [name, statement] of Object.entries(forbiddenStatements[when]))
      outcomes[name] = await tryWrite(() => run(statement))
    for (const [name, operation] of Object.entries(staleOperations[when]))
      outcomes[name] = await tryWrite(async () => {
        await operation(pool, rows[0])
        return true
      })
  } finally {
    await Promise.all([client.end(), pool.end()])
  }
  return outcomes
}

/** Only an error of a trigger or of a unique index is a rejection. Any other error is a mistake in this test. */
async function tryWrite(write: () => Promise<boolean>): Promise<Outcome> {
  try {
    if (await write()) return 'accepted'
    throw new Error('the statement changed no row')
  } catch (error) {
    if (isStaleWrite(error) || (error as { code?: string }).code === '23505') return 'rejected'
    throw error
  }
}
