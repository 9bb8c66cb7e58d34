/** People whom an identity provider or a trusted proxy has named. Called by functions/auth and functions/deployments. */
import { sql } from 'slonik'
import { z } from 'zod'
import type { Person } from '../../../domain/access/roles.ts'
import { ApiError } from '../../../domain/errors.ts'
import type { Database } from '../../pool.ts'

const personRow = z.object({
  issuer: z.string(),
  subject: z.string(),
  name: z.string(),
  email: z.string().nullable(),
})
export type KnownPerson = z.output<typeof personRow>

const groupsRow = z.object({ groups: z.array(z.string()) })

/** The groups at the last sign-in, or that the proxy named last; empty for an unknown person. */
export async function findGroups(pool: Database, { issuer, subject }: Person): Promise<readonly string[]> {
  const found = await pool.maybeOneFirst(sql.type(groupsRow)`
    select groups from people where issuer = ${issuer} and subject = ${subject}`)
  return found ?? []
}

/** Notes a person whom a trusted proxy has named. */
export async function notePerson(
  pool: Database,
  { issuer, subject, name, email, groups }: KnownPerson & { groups: readonly string[] },
): Promise<void> {
  await pool.query(sql.unsafe`
    insert into people (issuer, subject, name, email, groups)
    values (${issuer}, ${subject}, ${name}, ${email}, ${JSON.stringify(groups)}::jsonb)
    on conflict (issuer, subject) do update set name = excluded.name, email = coalesce(excluded.email, people.email),
      groups = excluded.groups, last_seen_at = now()`)
}

/**
 * People whom a text may mean: by subject, else by e-mail address, else by name. A name with @ never counts as a name, because
 * people choose their names themselves.
 */
export async function findPeople(pool: Database, text: string): Promise<readonly KnownPerson[]> {
  const rows = await pool.any(sql.type(personRow.extend({ rank: z.number() }))`
    select issuer, subject, name, email, rank from (
      select p.*, case when lower(subject) = lower(${text}) then 1 when lower(email) = lower(${text}) then 2 else 3 end as rank
      from people p
      where lower(subject) = lower(${text}) or lower(email) = lower(${text})
        or (lower(name) = lower(${text}) and name not like '%@%')
    ) found order by rank, last_seen_at desc limit 20`)
  return rows.filter(({ rank }) => rank === rows[0]?.rank).map(({ rank: _, ...person }) => person)
}

/** Throws bad_request when the text means no known person, or several. */
export async function requirePerson(pool: Database, text: string): Promise<KnownPerson> {
  const [found, ...others] = await findPeople(pool, text)
  if (found === undefined)
    throw new ApiError(
      'bad_request',
      `"${text}" is not known here. Name somebody who has signed in, by subject, e-mail address or name.`,
    )
  if (others.length > 0)
    throw new ApiError(
      'bad_request',
      `"${text}" may be ${[found, ...others].map(({ name, subject, issuer }) => `${name} (${subject} of ${issuer})`).join(', ')}. Name one by subject.`,
    )
  return found
}
