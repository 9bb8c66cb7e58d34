/** What all servers of an installation share: whether owners are respected, and the accepted policy. */
import { sql } from 'slonik'
import { z } from 'zod'
import type { Database } from '../../pool.ts'

const installationRow = z.object({ respectsOwners: z.boolean(), policy: z.string().nullable() })
export type Installation = z.output<typeof installationRow>

export async function readInstallation(pool: Database): Promise<Installation> {
  return pool.one(sql.type(installationRow)`
    select respects_owners as "respectsOwners", policy from installation`)
}

export async function savePolicy(pool: Database, policy: string): Promise<void> {
  await pool.query(
    sql.unsafe`update installation set policy = ${policy} where policy is distinct from ${policy}`,
  )
}
