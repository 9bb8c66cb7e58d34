/**
 * What wrong code would write, tried by a hand of its own while an action is held by a runner. The database refuses by itself:
 * whatever does not say by which epoch the action is held, or says another; a second active action, an epoch that goes back,
 * taking what is held, output under another epoch, a way back from running to queued, a delete of what has not ended, any change
 * of what has. Our own statements with an epoch that is over must change nothing either.
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
type Writes = Record<string, string>

/** $1 is the action. The database must refuse each. */
const forbiddenStatements: Record<When, Writes> = {
  'before the start': {
    'a second action of the deployment': `insert into actions (deployment_id, kind, state, app_overrides, deployment_overrides,
      actor, source, config_checked) select deployment_id, kind, 'queued', app_overrides, deployment_overrides, actor, 'wrong', true
      from actions where id = $1`,
    'a start without an epoch': `update actions set state = 'running', started_at = now() where id = $1 and state = 'queued'`,
    'a start that says another epoch': `update actions set state = 'running', started_at = now(), writer_token = fencing_token - 1 where id = $1`,
    'a start with an older epoch': `update actions set state = 'running', started_at = now(), fencing_token = fencing_token - 1 where id = $1`,
  },
  'while it runs': {
    'a second action while one runs': `insert into actions (deployment_id, kind, state, app_overrides, deployment_overrides,
      actor, source, config_checked) select deployment_id, kind, 'queued', app_overrides, deployment_overrides, actor, 'wrong', true
      from actions where id = $1`,
    'output with an older epoch': `insert into action_output (action_id, seq, stream, text, fencing_token)
      select id, 1000000, 'stdout', 'wrong', fencing_token - 1 from actions where id = $1`,
    'output with an epoch to come': `insert into action_output (action_id, seq, stream, text, fencing_token)
      select id, 1000001, 'stdout', 'wrong', fencing_token + 1 from actions where id = $1`,
    'an end without an epoch': `update actions set state = 'failed', finished_at = now(), lease_expires_at = null where id = $1`,
    'an end that says another epoch': `update actions set state = 'failed', finished_at = now(), lease_expires_at = null,
      writer_token = fencing_token - 1 where id = $1`,
    'a renewal without an epoch': `update actions set lease_expires_at = now() + interval '1 minute' where id = $1`,
    'a delete': `delete from actions where id = $1`,
    'an end with an older epoch': `update actions set state = 'failed', finished_at = now(), fencing_token = fencing_token - 1,
      lease_expires_at = null where id = $1`,
    'taking what is held': `update actions set fencing_token = fencing_token + 1, lease_expires_at = now() + interval '1 minute'
      where id = $1`,
    'putting it back into the queue': `update actions set state = 'queued', started_at = null where id = $1`,
  },
  'after the end': {
    'changing what has ended': `update actions set state = 'failed' where id = $1`,
    'output after the end': `insert into action_output (action_id, seq, stream, text, fencing_token)
      select id, 1000002, 'stdout', 'wrong', fencing_token from actions where id = $1`,
  },
}

type Target = Lease & { deploymentId: number }
type Ours = Record<string, (pool: Database, on: Target) => Promise<unknown>>

const older = ({ actionId, fencingToken }: Lease): Lease => ({
  actionId,
  fencingToken: fencingToken - 1,
})
const heldAs = (held: Lease, kind: ClaimedAction['kind'], deploymentId: number): ClaimedAction => ({
  ...held,
  ...{ attempt: 1, kind, deploymentId, name: 'wrong', configChecked: true },
  overrides: { application: [], deployment: [] },
})
const endAs = (kind: ClaimedAction['kind'], exitCode: number) => (pool: Database, on: Target) =>
  finish(pool, heldAs(older(on), kind, on.deploymentId), { ...emptyResult, exitCode })

/** The statements of db/*.ts, by a hand that has lost the action. */
const staleOperations: Record<When, Ours> = {
  'before the start': {
    'our start with an older epoch': (pool, on) => start(pool, older(on), []),
    'our end of what has not started, with an older epoch': endAs('update', 1),
  },
  'while it runs': {
    'our renewal with an older epoch': (pool, on) => renew(pool, older(on), 60_000),
    'our output with an older epoch': (pool, on) =>
      appendOutput(pool, older(on), [{ seq: 1_000_003, stream: 'stdout', text: 'wrong' }]),
    'our end with an older epoch': endAs('update', 1),
    'our end of a cleanup with an older epoch': endAs('cleanup', 0),
  },
  'after the end': {
    'our renewal after the end': (pool, on) => renew(pool, on, 60_000),
    'our end after the end': (pool, on) =>
      finish(pool, heldAs(on, 'update', on.deploymentId), { ...emptyResult, exitCode: 1 }),
  },
}

export type Outcome = 'refused' | 'accepted'
export type Outcomes = Record<string, Outcome>

/** What must become of each; what must be refused and is accepted is left to the checker to see, too. */
export function expectedOutcomes(): Outcomes {
  const names = [...Object.values(forbiddenStatements), ...Object.values(staleOperations)].flatMap((tries) =>
    Object.keys(tries),
  )
  return Object.fromEntries(names.map((name) => [name, 'refused' as const]))
}

/** Begins an action and holds it back just before its start for as long as `work` takes. */
export async function holdBeforeStart(
  cluster: Cluster,
  deployment: string,
  behave: string,
  work: (action: number) => Promise<void>,
): Promise<number> {
  const begun = Promise.withResolvers<number>()
  const arrived = Promise.withResolvers<void>()
  const done = Promise.withResolvers<void>()
  const stopIntercepting = cluster.interceptStatements(
    async (_, { sql, values }): Promise<StatementAction> => {
      if (!crashPoints.start.sql.test(sql) || !values.includes(String(await begun.promise))) return 'pass'
      arrived.resolve()
      await done.promise
      return 'pass'
    },
  )
  try {
    begun.resolve(await startAction(cluster, deployment, 'update', behave))
    await arrived.promise
    await work(await begun.promise)
    return await begun.promise
  } finally {
    begun.resolve(Number.NaN)
    done.resolve()
    stopIntercepting()
  }
}

/** Tries everything that belongs to this moment of the action. */
export async function tryForbiddenWrites(cluster: Cluster, action: number, when: When): Promise<Outcomes> {
  const url = new URL(cluster.datastores.postgres.url)
  url.searchParams.set('application_name', 'wrong-hand')
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
    for (const [what, statement] of Object.entries(forbiddenStatements[when]))
      outcomes[what] = await tryWrite(() => run(statement))
    for (const [what, act] of Object.entries(staleOperations[when]))
      outcomes[what] = await tryWrite(async () => {
        await act(pool, rows[0])
        return true
      })
  } finally {
    await Promise.all([client.end(), pool.end()])
  }
  return outcomes
}

/** Only the guards' words and a unique index count as a refusal; any other error is one of the rig. */
async function tryWrite(act: () => Promise<boolean>): Promise<Outcome> {
  try {
    if (await act()) return 'accepted'
    throw new Error('it met no row')
  } catch (error) {
    if (isStaleWrite(error) || (error as { code?: string }).code === '23505') return 'refused'
    throw error
  }
}
