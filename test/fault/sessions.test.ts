/**
 * The short form for sessions: people sign in, act, sign out and are signed out by an admin while servers, datastores and the
 * identity provider fail. The invariants must hold afterwards.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { runSessionFaults } from './faults/session-faults.ts'
import { startCluster } from './harness/cluster.ts'
import { assertNoViolations, chooseSeed } from './harness/report.ts'

const seed = chooseSeed()

test('Sessions count for their people alone and end in time, whatever fails', async (t) => {
  const cluster = await startCluster(seed)
  t.after(() => cluster.close())
  await cluster.addRunner()
  const { signIns } = await runSessionFaults(cluster, {
    people: 4,
    useMs: 1200,
    tryMs: 7000,
    pauseMs: 1500,
    faults: [
      { kind: 'server killed' },
      { kind: 'server frozen', forMs: 4000 },
      { kind: 'PostgreSQL stopped', forMs: 1500 },
      { kind: 'Redis stopped', forMs: 2000 },
      { kind: 'provider stopped', forMs: 1000 },
      { kind: 'server frozen', forMs: 3000 },
    ],
  })
  await cluster.waitUntilQuiet()
  const { history, violations } = await cluster.check()
  const answers = history.sessions.flatMap((session) => session.answers)
  const ended = history.sessions.filter(({ endedMs }) => endedMs !== null)
  t.diagnostic(
    `seed ${seed}: ${signIns.length} sign-ins, ${history.sessions.length} sessions, ${ended.length} ended, ` +
      `${answers.length} answers, ${history.actionsOfPeople.length} actions, ${history.refusedRequests.length} refusals`,
  )
  assertNoViolations(violations, seed)
  assert.ok(ended.length >= 5, `${ended.length} sessions were ended`)
  assert.ok(answers.some(({ outcome }) => outcome === 'accepted'))
  assert.ok(history.actionsOfPeople.length > 0)
  assert.ok(history.refusedRequests.length > 0, 'requests were refused')
  assert.ok(history.audit !== null && history.audit.actions.length > 0, 'the audit log was read')
})
