/** Identifies the database. Called by a runner when it starts, to recognize the scripts of its own installation. */
import { sql } from 'slonik'
import { z } from 'zod'
import type { Database } from '../pool.ts'

const identityRow = z.object({ identity: z.string() })

/** A text that no other database has, except a copy of the database cluster's files. */
export async function readDatabaseIdentity(pool: Database): Promise<string> {
  return pool.oneFirst(sql.type(identityRow)`
    select concat_ws(' ', system_identifier, current_database(), current_schema()) as identity from pg_control_system()`)
}
