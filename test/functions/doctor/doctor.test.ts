/** Many who ask the doctor at the same time load the stores once. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { DoctorFacts } from '../../../domain/doctor/facts.ts'
import { createDoctor } from '../../../functions/doctor/doctor.ts'

const problem = { problem: 'no answer in 1.5 s' }
const facts: DoctorFacts = {
  self: 'server-1',
  postgres: problem,
  databaseRights: problem,
  redis: problem,
  programs: problem,
  connectedRunners: null,
  actions: problem,
  pauses: problem,
  history: problem,
  audit: problem,
  webhooks: problem,
  failingScripts: problem,
  policyProblems: null,
  access: { anonymousRole: 'none', givesCredential: false },
}

test('Callers share a running examination, and one that began less than two seconds ago', async (t) => {
  let nowMs = 10_000
  t.mock.method(performance, 'now', () => nowMs)
  const pending: (() => void)[] = []
  const collect = () => new Promise<DoctorFacts>((resolve) => pending.push(() => resolve(facts)))
  const doctor = createDoctor()
  const first = doctor.examine(collect)
  nowMs += 60_000
  const second = doctor.examine(collect)
  assert.equal(pending.length, 1, 'it runs, however long it takes')
  pending[0]?.()
  assert.equal(await second, await first)
  nowMs += 1
  const later = doctor.examine(collect)
  assert.equal(pending.length, 2)
  pending[1]?.()
  await later
  nowMs += 1999
  assert.equal(await doctor.examine(collect), await later)
  nowMs += 1
  const last = doctor.examine(collect)
  assert.equal(pending.length, 3)
  pending[2]?.()
  assert.notEqual(await last, await later)
})
