/**
 * Reads the database of Octopod 1.6 before and after its migration, and finds what Octopod 2 treats differently. Called
 * by main.ts.
 */
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import pg from 'pg'
import { deploymentNameError } from '../../domain/deployment-name.ts'
import { configKeyError, configValueError, type Override, overridesFromWire } from '../../domain/overrides.ts'
import { isSafeLink } from '../../domain/safe-link.ts'
import type { Link } from '../../domain/schemas.ts'

export type OldDeployment = {
  name: string
  status: string
  archived_at: Date | null
  app_overrides: Override[]
  deployment_overrides: Override[]
  links: Link[]
}

/** @throws Error with one sentence if it is no database of Octopod 1.6, or other programs use it */
export async function readOldDatabase(url: string): Promise<OldDeployment[]> {
  return withClient(url, async (client) => {
    const tables = await client.query(
      "select to_regclass('deployment_logs') is not null as old, to_regclass('actions') is not null as new",
    )
    const [{ old, new: isNew }] = tables.rows
    if (!old || isNew)
      throw new Error(
        'This is not a database of Octopod 1.6: it has no table deployment_logs, or it is migrated.',
      )
    const others = await client.query(
      'select count(*)::int as count from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()',
    )
    if (others.rows[0].count > 0)
      throw new Error(
        'Other programs are connected to this database. The rehearsal changes it, so it must be a copy.',
      )
    return (await client.query('select * from deployments order by name')).rows
  })
}

/** Migrates the copy. → what the migration has lost or changed, one sentence each */
export async function migrate(url: string, before: OldDeployment[]): Promise<string[]> {
  const oldActions = await countActions(url, 'select count(*)::int as count from deployment_logs')
  const output = await runMigration(url)
  if (output !== null) return [`The database cannot be migrated: ${output}`]
  const after = await withClient(
    url,
    async (client) => (await client.query('select name, status from deployments')).rows as OldDeployment[],
  )
  const statuses = new Map(after.map(({ name, status }) => [name, status]))
  const differences = before.flatMap(({ name, status }) => {
    const now = statuses.get(name)
    if (now === undefined) return [`${name} is missing after the migration.`]
    return now === status ? [] : [`${name} has the status ${now} instead of ${status}.`]
  })
  const newActions = await countActions(url, 'select count(*)::int as count from actions')
  if (newActions !== oldActions) differences.push(`${oldActions} actions become ${newActions}.`)
  return differences
}

/** What Octopod 2 would do soon after its start, or no longer accepts. `retentionMs`: 0 means never. */
export function describeDeployments(
  deployments: OldDeployment[],
  retentionMs: number,
  nowMs: number,
): string[] {
  return deployments.flatMap((deployment) => {
    const { name, status, archived_at: archivedAt } = deployment
    const isExpired =
      retentionMs > 0 &&
      archivedAt !== null &&
      nowMs - archivedAt.getTime() > retentionMs &&
      status === 'Archived'
    const overrides = overridesFromWire(deployment)
    const problems = [
      deploymentNameError(name),
      isExpired &&
        'it would be cleaned up with its data soon after the start, because it was archived before ARCHIVE_RETENTION',
      status.endsWith('Pending') &&
        `its action (${status}) does not run on: only check decides what becomes of it`,
      ...deployment.links.map(
        ({ name: title, link }) =>
          !isSafeLink(link) && `the link ${title} is not http or https and is left out`,
      ),
      ...[...overrides.application, ...overrides.deployment].map(([key, value]) => {
        const error =
          configKeyError(key) ?? (value.tag === 'ValueAdded' ? configValueError(key, value.contents) : null)
        return error !== null && `an update would be refused: ${error}`
      }),
    ]
    return problems.filter((problem) => typeof problem === 'string').map((problem) => `${name}: ${problem}`)
  })
}

async function countActions(url: string, query: string): Promise<number> {
  return withClient(url, async (client) => (await client.query(query)).rows[0].count)
}

/** → null, or why it failed */
function runMigration(url: string): Promise<string | null> {
  const env = { ...process.env, DATABASE_URL: url }
  const child = spawn(process.execPath, [join(import.meta.dirname, '../../db/migrate.ts')], { env })
  let errors = ''
  child.stderr.on('data', (bytes) => {
    errors += bytes
  })
  child.stdout.resume()
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code) => resolve(code === 0 ? null : errors.trim()))
  })
}

async function withClient<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({
    connectionString: url,
    connectionTimeoutMillis: 10_000,
    query_timeout: 60_000,
  })
  await client.connect()
  try {
    return await work(client)
  } finally {
    await client.end()
  }
}
