/** The issuer is down: the keys that PostgreSQL has count for a day, also after a restart of Octopod. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { createApiClient } from '../../helpers/api-client.ts'
import { githubJob, githubRule } from '../../helpers/oidc/ci-issuer.ts'
import { withDatabase } from '../../helpers/with-database.ts'
import { type ExchangeSystem, exchange, startExchangeSystem } from './exchange-system.ts'

let all: ExchangeSystem
before(async () => {
  all = await startExchangeSystem((issuer) => [githubRule(issuer)], {}, 'ES256')
})
after(() => all.stop())

const setAge = (age: string) =>
  withDatabase(all.system.databaseUrl, (client) =>
    client.query(
      `update issuer_keys set fetched_at = now() - $1::interval, attempted_at = now() - interval '2 minutes'`,
      [age],
    ),
  )

test('With the issuer stopped and Octopod restarted, exchanges work for 24 hours', async () => {
  const first = await exchange(all.system.url, await all.ci.sign(githubJob))
  assert.equal(first.status, 200, JSON.stringify(first.body))
  await all.ci.stop()
  await all.system.server.stop()

  await setAge('23 hours 59 minutes')
  const restarted = await all.system.startServer()
  const second = await exchange(restarted.url, await all.ci.sign(githubJob))
  assert.equal(second.status, 200, JSON.stringify(second.body))
  // What was given before counts too.
  const client = createApiClient(restarted.url, `Bearer ${first.body.access_token}`)
  assert.equal((await client.create('pr-412')).status, 200)
  await restarted.stop()

  await setAge('24 hours 1 minute')
  const late = await all.system.startServer()
  const third = await exchange(late.url, await all.ci.sign(githubJob))
  assert.deepEqual([third.status, third.body.code], [503, 'service_unavailable'])
  assert.match(third.body.error_description ?? '', /for more than 24 hours/)
  assert.ok(third.headers.get('retry-after'))

  await all.ci.start()
  await setAge('2 days')
  const again = await all.system.startServer()
  assert.equal((await exchange(again.url, await all.ci.sign(githubJob))).status, 200)
})

test('A token of an unknown key is no fault of its job while the last attempt to fetch the keys has not succeeded', async () => {
  const server = await all.system.startServer()
  const setAttempt = (attempted: string, fetched: string, problem: string | null = null) =>
    withDatabase(all.system.databaseUrl, (client) =>
      client.query(
        `update issuer_keys set attempted_at = now() - $1::interval, fetched_at = now() - $2::interval, problem = $3`,
        [attempted, fetched, problem],
      ),
    )
  const known = await all.ci.sign(githubJob)
  assert.equal((await exchange(server.url, known)).status, 200)
  await all.ci.rotateKeys()
  const rotated = await all.ci.sign(githubJob)

  // It fails.
  await setAttempt('2 minutes', '2 minutes')
  all.ci.respond('keys', (_, response) => response.writeHead(500).end())
  const failed = await exchange(server.url, rotated)
  assert.deepEqual([failed.status, failed.body.code], [503, 'service_unavailable'])
  assert.doesNotMatch(failed.body.error_description ?? '', /24 hours/)
  assert.equal((await exchange(server.url, rotated)).status, 503, 'without another attempt')
  assert.equal((await exchange(server.url, known)).status, 200)
  all.ci.respond('keys', null)
  // The server that made it has crashed.
  await setAttempt('30 seconds', '2 minutes')
  assert.equal((await exchange(server.url, rotated)).status, 503)
  await setAttempt('61 seconds', '2 minutes', 'failed')
  assert.equal((await exchange(server.url, rotated)).status, 200)

  // After a success the next attempt comes sooner.
  await all.ci.rotateKeys()
  await setAttempt('11 seconds', '10 seconds')
  assert.equal((await exchange(server.url, await all.ci.sign(githubJob))).status, 200)
  await server.stop()
})

test('A key that the issuer has removed does not count after five minutes', async () => {
  const server = await all.system.startServer()
  const old = await all.ci.sign(githubJob)
  assert.equal((await exchange(server.url, old)).status, 200)
  await all.ci.rotateKeys()
  await setAge('6 minutes')
  const fresh = await all.system.startServer()
  const { status, body } = await exchange(fresh.url, old)
  assert.equal(status, 400)
  assert.match(body.error_description ?? '', /does not publish/)
})
