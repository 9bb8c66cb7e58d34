/**
 * Records the people whom a trusted proxy names, so that others can make them owners and ask about their roles. A sign-in
 * records its person itself. Called by http/endpoint-handler.ts.
 */
import { LRUCache } from 'lru-cache'
import type { Logger } from 'pino'
import type { Database } from '../../db/pool.ts'
import { notePerson } from '../../db/queries/access/people.ts'
import type { Identity } from './identity.ts'

export type PeopleRecorder = {
  /** Never rejects. A request need not wait for it. */
  record(identity: Pick<Identity, 'member' | 'name' | 'email'>): Promise<void> | undefined
}

/** How old `last_seen_at` of a person may become. */
const intervalMs = 3_600_000

export function createPeopleRecorder(db: Database, log: Logger): PeopleRecorder {
  const recent = new LRUCache<string, true>({ max: 20_000, ttl: intervalMs })
  return {
    record({ member, name, email }) {
      if (member?.kind !== 'proxy' || recent.has(member.person.subject)) return undefined
      const { subject } = member.person
      recent.set(subject, true)
      return notePerson(db, { ...member.person, name, email, groups: member.groups }).catch((error) => {
        recent.delete(subject)
        log.debug({ err: error }, 'the person of the proxy was not recorded')
      })
    },
  }
}
