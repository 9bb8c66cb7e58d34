/** Requests and settings for tests of the rules in functions/access. */
import { readSettings } from '../../../domain/read-settings.ts'
import type { ServerSettings } from '../../../domain/settings.ts'
import type { RawRequest } from '../../../functions/access/sender.ts'

export const serverSettings = (environment: Record<string, string> = {}): ServerSettings =>
  readSettings('server', { DATABASE_URL: 'postgres://x', REDIS_URL: 'redis://x', ...environment })

export const rawRequest = (headers: Record<string, string>, peerAddress = '203.0.113.9'): RawRequest => ({
  peerAddress,
  headers: { get: (name) => headers[name.toLowerCase()] },
})
