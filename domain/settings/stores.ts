/** The settings of the connections to PostgreSQL and Redis. Part of domain/settings.ts. */
import type { z } from 'zod'
import { readDatabaseUrl, UnreadableUrl } from './database-url.ts'
import { readRedisUrl } from './redis-url.ts'
import { allPrograms, count, optionalText, type Setting, serverAndRunner, text } from './values.ts'

export const storeSettings = {
  DATABASE_URL: {
    description: 'PostgreSQL, e.g. postgres://user:password@host:5432/octopod (?sslmode=verify-full)',
    parse: text.superRefine(issueOf(readDatabaseUrl)),
    programs: allPrograms,
    secret: true,
  },
  MIGRATION_DATABASE_URL: {
    description:
      'PostgreSQL for the migration, where that needs another role or address than servers and runners; not set: DATABASE_URL',
    parse: text.superRefine(issueOf(readDatabaseUrl)).optional(),
    programs: ['migrate'],
    secret: true,
  },
  REDIS_URL: {
    description:
      'Redis, e.g. redis://user:password@host:6379/0 (rediss: for TLS) or redis-sentinel://user:password@host:26379,host:26379/0?sentinelMasterId=mymaster',
    parse: text.superRefine(issueOf(readRedisUrl)),
    programs: serverAndRunner,
    secret: true,
  },
  REDIS_CA_FILE: {
    description:
      'File of the CA that signed the certificate of Redis, for rediss: and rediss-sentinel:; not set: public CAs',
    parse: optionalText,
    programs: serverAndRunner,
  },
  REDIS_CERT_FILE: {
    description: 'File of the certificate with which servers and runners identify themselves to Redis',
    parse: optionalText,
    programs: serverAndRunner,
  },
  REDIS_KEY_FILE: {
    description: 'File of the key of REDIS_CERT_FILE',
    parse: optionalText,
    programs: serverAndRunner,
  },
  REDIS_PREFIX: {
    description: 'Prefix of every key and channel in Redis; it lets several installations share one Redis',
    parse: text.regex(/^[\w.-]+$/, 'may hold only letters, digits, _ . -').default('octopod'),
    programs: serverAndRunner,
  },
  DATABASE_POOL_SIZE: {
    description: 'Maximum number of connections to PostgreSQL per process',
    parse: count(2, 10),
    programs: serverAndRunner,
  },
} as const satisfies Record<string, Setting>

/** The message of `read` becomes the problem of the setting. */
function issueOf(read: (url: string) => unknown): (url: string, context: z.RefinementCtx) => void {
  return (url, context) => {
    try {
      read(url)
    } catch (error) {
      if (!(error instanceof UnreadableUrl)) throw error
      context.addIssue(error.message)
    }
  }
}
