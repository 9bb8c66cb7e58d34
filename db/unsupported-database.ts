/** Refuses databases that no migration can start from, with a sentence for the operator. Called by db/run-migrations.ts. */
import type pg from 'pg'
import { z } from 'zod'

/** The database has tables that no migration can start from. The message says what the operator can do. */
export class UnsupportedDatabase extends Error {
  override name = 'UnsupportedDatabase'
}

/** Throws {@link UnsupportedDatabase}. */
export async function rejectUnsupportedDatabase(client: pg.Client): Promise<void> {
  const { rows } = await client.query(
    `select table_name as table, json_agg(column_name) as columns from information_schema.columns
     where table_schema = current_schema() and table_name in ('deployments', 'deployment_logs', 'actions')
     group by table_name`,
  )
  const tables = new Map(
    z
      .array(columnsRow)
      .parse(rows)
      .map(({ table, columns }) => [table, columns]),
  )
  if (tables.size === 0) return
  const actionColumns = tables.get('actions')
  if (actionColumns?.includes('lease_epoch'))
    throw new UnsupportedDatabase(
      'This database was made by an unreleased version of Octopod 2 and cannot be migrated: ' +
        'restore the backup of the Octopod 1.6 database or create an empty one, then run the migration again.',
    )
  if (actionColumns?.includes('fencing_token')) return
  for (const [table, columns] of Object.entries(octopod16Columns)) {
    const missing = columns.split(' ').filter((column) => !tables.get(table)?.includes(column))
    if (missing.length > 0)
      throw new UnsupportedDatabase(
        `This database is not one of Octopod 1.6 (table ${table} lacks ${missing.join(', ')}): ` +
          'upgrade Octopod to 1.6 first, or create an empty database, then run the migration again.',
      )
  }
}

/** The columns that an Octopod 1.6 database has (contract §6). */
const octopod16Columns = {
  deployments:
    'id name created_at updated_at archived_at status status_updated_at checked_at app_overrides deployment_overrides links',
  deployment_logs:
    'id deployment_id action exit_code created_at archived duration stdout stderr app_overrides deployment_overrides',
}
const columnsRow = z.object({ table: z.string(), columns: z.array(z.string()) })
