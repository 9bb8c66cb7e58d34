/** Config keys that keys scripts have marked as secret. Runners add them; servers and runners read them. */
import { sql } from 'slonik'
import { z } from 'zod'
import type { Database } from '../../pool.ts'

/** Further keys are not stored: each config key of each deployment is compared with all of them. */
const maxSecretKeys = 1000

const secretKeysRow = z.object({ keys: z.array(z.string()) })

export async function readSecretKeys(pool: Database): Promise<string[]> {
  return pool.oneFirst(sql.type(secretKeysRow)`
    select coalesce(json_agg(key order by key), '[]') as keys from secret_keys`)
}

export async function addSecretKeys(pool: Database, keys: readonly string[]): Promise<void> {
  await pool.query(sql.unsafe`
    insert into secret_keys (key)
    select key from unnest(${sql.array([...keys], 'text')}) as marked (key)
    limit greatest(0, ${maxSecretKeys} - (select count(*) from secret_keys))
    on conflict do nothing`)
}
