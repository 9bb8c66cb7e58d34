/** A running Octopod seals its audit log, logs and counts the head, and verifies it over HTTP. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { auditVerification } from '../../../domain/audit/audit-schemas.ts'
import { freePort } from '../../../lib/node/ports.ts'
import { createApiClient } from '../../helpers/api-client.ts'
import { type System, startSystem } from '../../helpers/system.ts'
import { waitFor } from '../../helpers/wait-for.ts'
import { withDatabase } from '../../helpers/with-database.ts'

let system: System
let metricsPort: number
before(async () => {
  metricsPort = await freePort()
  system = await startSystem({ env: { METRICS_PORT: String(metricsPort) } })
})
after(() => system?.stop())

const verify = async (query = '') => {
  const { status, body, text } = await createApiClient(system.url).api('GET', `/audit/verify${query}`)
  assert.equal(status, 200, text)
  return auditVerification.parse(body)
}

test('Entries are sealed while the system runs, and the head is in the log and the metrics', async () => {
  const octopod = createApiClient(system.url)
  for (const name of ['a1', 'a2', 'a3']) assert.equal((await octopod.create(name)).status, 200)
  const { head } = await waitFor('all entries are sealed', async () => {
    const state = await verify()
    return { done: state.checked_entries >= 3 && state.unsealed.entries === 0, value: state, seen: state }
  })
  assert.ok(head)
  assert.deepEqual((await verify(`?head=${head.hash}`)).problems, [])
  await waitFor('the log has a head', async () => {
    const line = system.runner.lines.find((one) => one.includes('audit log sealed'))
    return {
      done: line !== undefined && /"hash":"[0-9a-f]{64}"/.test(line),
      value: null,
      seen: system.runner.lines,
    }
  })
  const metrics = await (await fetch(`http://127.0.0.1:${metricsPort}/metrics`)).text()
  assert.match(metrics, /^octopod_audit_seals [1-9]/m)
  assert.match(metrics, /^octopod_audit_unsealed_entries \d/m)
  assert.match(metrics, /^octopod_audit_oldest_unsealed_seconds \d/m)
})

test('A wrong head and a changed entry are found over HTTP; a head that is no hash is 400', async () => {
  const wrong = await verify(`?head=${'0'.repeat(63)}1`)
  assert.deepEqual(
    wrong.problems.map(({ kind }) => kind),
    ['head_unknown'],
  )
  await withDatabase(system.databaseUrl, (client) =>
    client.query(
      `set session_replication_role = replica; update audit_entries set reason = 'another' where id = 1`,
    ),
  )
  assert.deepEqual(
    (await verify()).problems.map(({ kind }) => kind),
    ['entries_changed'],
  )
  const octopod = createApiClient(system.url)
  assert.equal((await octopod.api('GET', '/audit/verify?head=zzz')).status, 400)
  assert.equal((await createApiClient(system.url, null).api('GET', '/audit/verify')).status, 401)
})
