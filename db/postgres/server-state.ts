/**
 * What PostgreSQL allows: changes, and the rights of the role. Called by /readyz, the doctor, and at the start of server and
 * runner.
 */
import { sql } from 'slonik'
import { z } from 'zod'
import type { Database } from '../pool.ts'
import { UnusableDatabase } from './unusable-database.ts'

/** True on a standby, and where the server, the database or the role allows no changes. */
export const isReadOnly = (pool: Database): Promise<boolean> =>
  pool.oneFirst(
    sql.type(z.object({ isReadOnly: z.boolean() }))`
      select pg_is_in_recovery() or current_setting('transaction_read_only')::boolean as "isReadOnly"`,
  )

const rightsRow = z.object({ role: z.string(), missing: z.array(z.string()) })

/** Throws UnusableDatabase when the role may not use what the migration has made. */
export async function requireRights(pool: Database): Promise<void> {
  const { role, missing } = await findMissingRights(pool)
  if (missing.length === 0) return
  const shown = missing.slice(0, 5).join(', ')
  const more = missing.length > 5 ? ` and ${missing.length - 5} more` : ''
  throw new UnusableDatabase(
    (setting) =>
      `${setting}: the role ${role} may not use ${shown}${more}; give it the rights in docs/install.md ("A second role").`,
  )
}

/** The audit log asks for less than all rights, so reading and adding are enough here. */
export async function findMissingRights(pool: Database): Promise<z.output<typeof rightsRow>> {
  return pool.one(sql.type(rightsRow)`
    select current_user as role, coalesce(array_agg(what order by what) filter (where what is not null), '{}') as missing
    from (
      select relname::text as what from pg_class
      where relnamespace = (select relnamespace from pg_class where oid = to_regclass('deployments'))
        and (relkind in ('r', 'p') and not relispartition and relname not in ('migrations', 'definitions')
            and not (has_table_privilege(oid, 'select') and has_table_privilege(oid, 'insert'))
          or relkind = 'v' and not has_table_privilege(oid, 'select')
          or relkind = 'S' and not has_sequence_privilege(oid, 'usage'))
      union all
      select proname || '()' from pg_proc
      where pronamespace = (select relnamespace from pg_class where oid = to_regclass('deployments'))
        and not has_function_privilege(oid, 'execute')
    ) as objects`)
}

const stateRow = z.object({
  version: z.string(),
  versionNumber: z.number(),
  timeMs: z.number(),
  isReadOnly: z.boolean(),
  maxConnections: z.number(),
})

/** `timeMs`: its clock. `maxConnections`: for roles without special rights. */
export async function readServerState(pool: Database): Promise<z.output<typeof stateRow>> {
  return pool.one(sql.type(stateRow)`
    select current_setting('server_version') as version, current_setting('server_version_num')::int as "versionNumber",
      (extract(epoch from clock_timestamp()) * 1000)::float8 as "timeMs",
      pg_is_in_recovery() or current_setting('transaction_read_only')::boolean as "isReadOnly",
      current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int as "maxConnections"`)
}
