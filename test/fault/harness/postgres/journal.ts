/**
 * Reads what journal.sql records in the database, and the state of the database at the end. Called by
 * cluster.ts and the scenarios.
 */
import { readFile } from 'node:fs/promises'
import pg from 'pg'
import {
  type Deletion,
  type DeploymentSnapshot,
  harnessName,
  type PendingDeployment,
  type Row,
  type Write,
} from '../../checker/history.ts'
import { systemTimeOffsetMs } from '../clock.ts'

export type Journal = {
  /** Runs one statement of the harness. */
  query(text: string, values?: readonly unknown[]): Promise<Record<string, unknown>[]>
  /** All writes in the order of the database. */
  writes(): Promise<Write[]>
  deployments(): Promise<Record<string, DeploymentSnapshot>>
  deletions(): Promise<Deletion[]>
  /** Deployments with a pending status. */
  pending(): Promise<PendingDeployment[]>
  /** The number of actions that have not ended. */
  active(): Promise<number>
}

/** Installs the triggers. */
export async function openJournal(databaseUrl: string): Promise<Journal> {
  const query: Journal['query'] = async (text, values = []) => {
    const client = new pg.Client({
      connectionString: databaseUrl,
      application_name: harnessName,
      connectionTimeoutMillis: 5000,
    })
    client.on('error', () => {})
    try {
      await client.connect()
      return (await client.query(text, [...values])).rows
    } finally {
      await client.end().catch(() => {})
    }
  }
  await query(await readFile(new URL('journal.sql', import.meta.url), 'utf8'))
  return {
    query,
    writes: async () => {
      const offsetMs = systemTimeOffsetMs()
      const rows =
        await query(`select type, extract(epoch from at)::float8 * 1000 as at, program, action_id::int,
        deployment_id::int, before, after, fencing_token from fault.writes order by seq`)
      return rows.map((row) => parseWrite(row as StoredWrite, offsetMs))
    },
    deployments: async () => {
      const rows = await query(`select name, revision::int, status, last.id::int as action, last.state
        from deployments d left join lateral
        (select id, state from actions where deployment_id = d.id and wait_conditions is null order by id desc limit 1) as last on true`)
      return Object.fromEntries(
        rows.map(({ name, ...snapshot }) => [String(name), snapshot as DeploymentSnapshot]),
      )
    },
    deletions: async () =>
      (await query('select name, revision::int from fault.deletions')).map(({ name, revision }) => ({
        deployment: String(name),
        revision: Number(revision),
      })),
    pending: async () => {
      const rows =
        await query(`select name, status, extract(epoch from now() - greatest(next_check_at, lease_expires_at))::float8 * 1000 as overdue,
        exists (select from actions a where a.deployment_id = d.id and a.state in ('queued', 'running')) as active
        from deployments d join deployment_checks c on c.deployment_id = d.id where status like '%Pending'`)
      return rows.map(({ name, status, overdue, active }) => ({
        deployment: String(name),
        status: String(status),
        hasActiveAction: active === true,
        overdueMs: overdue === null ? null : Math.round(Number(overdue)),
      }))
    },
    active: async () =>
      Number(
        (await query(`select count(*) from actions where state in ('waiting', 'queued', 'running')`))[0]
          ?.count,
      ),
  }
}

type StoredRow = Omit<Row, 'leaseEndMs'> & { leaseEnd: number | null }
type StoredWrite = {
  type: string
  at: number
  program: string
  action_id: number
  deployment_id: number
  before: StoredRow | null
  after: StoredRow | null
  fencing_token: number
}

function parseWrite(stored: StoredWrite, offsetMs: number): Write {
  const { at, program, action_id: action, deployment_id: deployment, fencing_token: fencingToken } = stored
  const atMs = at + offsetMs
  if (stored.type === 'output') return { type: 'output', atMs, program, action, fencingToken }
  const parseRow = (row: StoredRow | null): Row | null => {
    if (row === null) return null
    const { leaseEnd, ...rest } = row
    return { ...rest, leaseEndMs: leaseEnd === null ? null : leaseEnd + offsetMs }
  }
  return {
    type: 'row',
    atMs,
    program,
    action,
    deployment,
    before: parseRow(stored.before),
    after: parseRow(stored.after),
  }
}
