/** Which webhooks a runner knows, by the policy that the servers have stored. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { RunnerContext } from '../../../runner/context.ts'
import { createReceivers } from '../../../runner/notifications/receivers.ts'
import { useTestDatabase } from '../../db/fixtures.ts'

const db = useTestDatabase(2)

const policy = (more: string) => `version: 1
rules: [{ proxy_group: platform, role: admin }]
webhooks: [{ name: ci, url: 'https://example.com/' }]
${more}`

test('A policy that this version cannot read changes no webhook, and the log says so once', async () => {
  const problems: unknown[] = []
  const log = { info: () => {}, error: (fields: { problems: unknown }) => problems.push(fields.problems) }
  const context = { db: db.pool, log, scripts: { path: () => null } } as unknown as RunnerContext
  const receivers = createReceivers(context)
  const namesFor = async (text: string | null) => {
    await db.raw('update installation set policy = $1', [text])
    return (await receivers.read()).map(({ name }) => name)
  }
  assert.deepEqual(await namesFor(policy('')), ['webhook:ci'])
  for (const _ of [1, 2]) assert.deepEqual(await namesFor(policy('a_newer_key: 1')), ['webhook:ci'])
  assert.equal(problems.length, 1)
  assert.match(String(problems[0]), /a_newer_key/)
  assert.deepEqual(await namesFor(policy('').replace(/webhooks.*/, '')), [])
})
