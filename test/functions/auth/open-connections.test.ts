/** Open connections with access tokens, when the announcement of a change is lost. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { pino } from 'pino'
import type { Identifier } from '../../../functions/auth/identify.ts'
import type { Identity } from '../../../functions/auth/identity.ts'
import { type ConnectionChange, createOpenConnections } from '../../../functions/auth/open-connections.ts'
import type { PolicySource } from '../../../functions/auth/policy/policy-source.ts'
import type { SessionStore } from '../../../functions/auth/sessions/session-store.ts'
import type { TokenRecord } from '../../../functions/auth/tokens/token-store.ts'

const recordOf = (more: Partial<TokenRecord>) =>
  ({ tokenHash: 'abc', state: 'valid', groups: ['shop'], ...more }) as TokenRecord
const identityOf = (token: TokenRecord) => ({ token, session: null, member: null }) as unknown as Identity

/** What a connection learns when PostgreSQL has `stored`; null: no such token. */
async function changesAfter(
  t: { mock: { timers: { enable(options: { apis: ['setInterval'] }): void; tick(ms: number): void } } },
  stored: TokenRecord | null,
): Promise<ConnectionChange[]> {
  t.mock.timers.enable({ apis: ['setInterval'] })
  const wasRead = Promise.withResolvers<void>()
  const identifier = {
    ofToken: (record: TokenRecord) => (record.state === 'revoked' ? null : identityOf(record)),
  } as Partial<Identifier> as Identifier
  const sessions = {
    onChange: () => {},
    hasEnded: () => false,
    revalidate: async () => {},
  } as Partial<SessionStore> as SessionStore
  const tokens = {
    readAgain: async (hash: string) => {
      assert.equal(hash, 'abc')
      wasRead.resolve()
      return stored
    },
  }
  const policy = { onChange: () => {} } as Partial<PolicySource> as PolicySource
  const connections = createOpenConnections(identifier, sessions, tokens, policy, pino({ level: 'silent' }))
  const changes: ConnectionChange[] = []
  connections.follow(identityOf(recordOf({})), (change) => changes.push(change))
  t.mock.timers.tick(15_000)
  await wasRead.promise
  await new Promise((resolve) => setImmediate(resolve))
  connections.close()
  return changes
}

test('A connection ends when its token was revoked', async (t) => {
  assert.deepEqual(await changesAfter(t, recordOf({ state: 'revoked' })), ['ended'])
})

test('A connection learns of the groups that its owner has lost', async (t) => {
  const now = recordOf({ groups: [] })
  assert.deepEqual(await changesAfter(t, now), [{ identity: identityOf(now) }])
})

test('A connection goes on with the same token, with an expired one and with a deleted one', async (t) => {
  assert.deepEqual(await changesAfter(t, recordOf({})), [])
  t.mock.timers.reset()
  assert.deepEqual(await changesAfter(t, recordOf({ state: 'expired' })), [])
  t.mock.timers.reset()
  assert.deepEqual(await changesAfter(t, null), [])
})
