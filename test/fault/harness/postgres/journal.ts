/** What the database says of one run: every write in its order, what is stored at the end. */
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
  /** One statement of our own, e.g. to look, or to write what wrong code would write. */
  query(text: string, values?: readonly unknown[]): Promise<Record<string, unknown>[]>
  writes(): Promise<Write[]>
  /** Every deployment, as it stands. */
  deployments(): Promise<Record<string, DeploymentSnapshot>>
  /** Every deployment that was deleted. */
  deletions(): Promise<Deletion[]>
  /** Deployments whose status waits for something. */
  pending(): Promise<PendingDeployment[]>
  /** Actions that have not ended. */
  active(): Promise<number>
}

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
        await query(`select what, extract(epoch from at)::float8 * 1000 as at, by, action_id::int, deployment_id::int,
        before, after, epoch from fault.writes order by seq`)
      return rows.map((row) => parseWrite(row as StoredWrite, offsetMs))
    },
    deployments: async () => {
      const rows = await query(`select name, revision::int, status, last.id::int as action, last.state
        from deployments d left join lateral
        (select id, state from actions where deployment_id = d.id order by id desc limit 1) as last on true`)
      return Object.fromEntries(
        rows.map(({ name, ...standing }) => [String(name), standing as DeploymentSnapshot]),
      )
    },
    deletions: async () =>
      (await query('select name, revision::int from fault.gone')).map(({ name, revision }) => ({
        deployment: String(name),
        revision: Number(revision),
      })),
    pending: async () => {
      const rows =
        await query(`select name, status, extract(epoch from now() - next_check_at)::float8 * 1000 as overdue,
        exists (select from actions a where a.deployment_id = d.id and a.state in ('queued', 'running')) as active
        from deployments d where status like '%Pending'`)
      return rows.map(({ name, status, overdue, active }) => ({
        deployment: String(name),
        status: String(status),
        active: active === true,
        overdueMs: overdue === null ? null : Math.round(Number(overdue)),
      }))
    },
    active: async () =>
      Number((await query(`select count(*) from actions where state in ('queued', 'running')`))[0]?.count),
  }
}

type StoredRow = Omit<Row, 'leaseEndMs'> & { leaseEnd: number | null }
type StoredWrite = {
  what: string
  at: number
  by: string
  action_id: number
  deployment_id: number
  before: StoredRow | null
  after: StoredRow | null
  epoch: number
}

function parseWrite(stored: StoredWrite, offsetMs: number): Write {
  const { at, by, action_id: action, deployment_id: deployment, epoch } = stored
  const atMs = at + offsetMs
  if (stored.what === 'output') return { type: 'output', atMs, program: by, action, fencingToken: epoch }
  const rowOf = (facts: StoredRow | null): Row | null => {
    if (facts === null) return null
    const { leaseEnd, ...rest } = facts
    return { ...rest, leaseEndMs: leaseEnd === null ? null : leaseEnd + offsetMs }
  }
  return {
    type: 'row',
    atMs,
    program: by,
    action,
    deployment,
    before: rowOf(stored.before),
    after: rowOf(stored.after),
  }
}
