/** What all servers of an installation share: whether owners are respected, the accepted policy, and the key of references to secrets. */
import { sql } from 'slonik'
import { z } from 'zod'
import type { Database } from '../../pool.ts'

const installationRow = z.object({ respectsOwners: z.boolean(), policy: z.string().nullable() })
const referenceKeyRow = z.object({ key: z.string() })
export type Installation = z.output<typeof installationRow>

export async function readInstallation(pool: Database): Promise<Installation> {
  return pool.one(sql.type(installationRow)`
    select respects_owners as "respectsOwners", policy from installation`)
}

export async function readReferenceKey(pool: Database): Promise<Buffer> {
  const key = await pool.oneFirst(sql.type(referenceKeyRow)`
    select encode(reference_key, 'hex') as key from installation`)
  return Buffer.from(key, 'hex')
}

export async function savePolicy(pool: Database, policy: string): Promise<void> {
  await pool.query(
    sql.unsafe`update installation set policy = ${policy} where policy is distinct from ${policy}`,
  )
}
