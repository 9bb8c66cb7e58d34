/** What the doctor says about what it has found out. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { doctorResult } from '../../../domain/doctor/doctor-endpoints.ts'
import type { DoctorFacts, PostgresState, RedisState } from '../../../domain/doctor/facts.ts'
import { findingCodes, levels, subjects } from '../../../domain/doctor/finding-codes.ts'
import { judge } from '../../../domain/doctor/judge.ts'
import type { SeenProgram } from '../../../domain/doctor/program-report.ts'

const postgres: PostgresState = {
  latencyMs: 1,
  versionNumber: 160_004,
  version: '16.4',
  clockOffsetMs: 3,
  isReadOnly: false,
  isFull: false,
  maxConnections: 97,
}
const redis: RedisState = {
  latencyMs: 0.3,
  version: '7.2.4',
  clockOffsetMs: -2,
  evictionPolicy: 'noeviction',
  refusal: null,
  isReplica: false,
  missingRights: [],
  usedBytes: 1_000_000,
  maxBytes: null,
}
const scripts = { digest: 's1', manifest: '{}', problems: [], unknownManifestKeys: [] }
const server: SeenProgram = {
  kind: 'server',
  name: 'server-1',
  version: 'v1',
  node: 'v26',
  startedAtMs: 0,
  clockOffsetMs: 0,
  connections: 10,
  policy: { digest: 'p1', problems: 0 },
  settings: { SECRET_KEYS: 'd1' },
  silentMs: 1000,
}
const runner: SeenProgram = { ...server, kind: 'runner', name: 'runner-1', underWay: 0, scripts }

const healthy: DoctorFacts = {
  self: 'server-1',
  postgres: { value: postgres },
  databaseRights: { value: [] },
  redis: { value: redis },
  programs: { value: [server, runner] },
  connectedRunners: 1,
  actions: { value: { running: 1, queued: 0, waiting: 0, oldestQueuedSeconds: 0, lateChecks: 0 } },
  pauses: { value: [] },
  history: { value: { outputBytes: 1000, tableBytes: 9000, isLimited: false } },
  audit: { value: { unsealed: 0, oldestUnsealedSeconds: 0 } },
  webhooks: { value: [] },
  failingScripts: { value: [] },
  policyProblems: 0,
  access: { anonymousRole: 'none', givesCredential: false },
}

const problems = (facts: Partial<DoctorFacts>) =>
  judge({ ...healthy, ...facts }).filter(({ code }) => code !== 'ok')
const codes = (facts: Partial<DoctorFacts>) => problems(facts).map(({ code }) => code)
const withPostgres = (more: Partial<PostgresState>) =>
  codes({ postgres: { value: { ...postgres, ...more } } })
const withRedis = (more: Partial<RedisState>) => codes({ redis: { value: { ...redis, ...more } } })
const withRunner = (more: Partial<SeenProgram>) =>
  codes({ programs: { value: [server, { ...runner, ...more }] } })
const withSecondRunner = (more: Partial<SeenProgram>) =>
  codes({
    programs: { value: [server, runner, { ...runner, name: 'runner-2', ...more }] },
    connectedRunners: 2,
  })

describe('The doctor', () => {
  it('does not take two unknown versions for one', () => {
    const unknown = {
      value: [
        { ...server, version: 'unknown' },
        { ...runner, version: 'unknown' },
      ],
    }
    const [found] = judge({ ...healthy, programs: unknown }).filter(({ subject }) => subject === 'servers')
    assert.equal(found?.message, '1 server of unknown version')
  })

  it('has one finding `ok` for each subject of a healthy installation', () => {
    const findings = judge(healthy)
    assert.deepEqual(
      findings.map(({ subject }) => subject),
      subjects.filter((subject) => subject !== 'connection'),
    )
    assert.ok(findings.every(({ code, level, cure }) => code === 'ok' && level === 'ok' && cure === null))
  })

  it('names what is wrong with PostgreSQL', () => {
    assert.deepEqual(withPostgres({ isReadOnly: true }), ['postgres_read_only'])
    assert.deepEqual(withPostgres({ isFull: true }), ['postgres_full'])
    assert.deepEqual(withPostgres({ versionNumber: 130_012 }), ['postgres_old'])
    assert.deepEqual(withPostgres({ latencyMs: 101 }), ['postgres_slow'])
    assert.deepEqual(withPostgres({ maxConnections: 19 }), ['postgres_connections'])
    assert.deepEqual(withPostgres({ maxConnections: 20 }), [])
    assert.deepEqual(codes({ databaseRights: { value: ['actions'] } }), ['postgres_rights'])
    assert.deepEqual(codes({ audit: { problem: 'no answer in 1.5 s' } }), ['not_found_out'])
  })

  it('names what is wrong with Redis', () => {
    assert.deepEqual(withRedis({ evictionPolicy: 'allkeys-lru' }), ['redis_eviction'])
    assert.deepEqual(withRedis({ evictionPolicy: null }), [])
    assert.deepEqual(withRedis({ missingRights: ['eval'] }), ['redis_rights'])
    assert.deepEqual(withRedis({ isReplica: true }), ['redis_unusable'])
    assert.deepEqual(withRedis({ refusal: 'It is a cluster.' }), ['redis_unusable'])
    assert.deepEqual(withRedis({ version: '6.0.16' }), ['redis_old'])
    assert.deepEqual(withRedis({ version: '6.2.0' }), [])
    assert.deepEqual(withRedis({ version: '' }), [])
    assert.deepEqual(withRedis({ latencyMs: 250 }), ['redis_slow'])
    assert.deepEqual(withRedis({ usedBytes: 95, maxBytes: 100 }), ['redis_memory'])
  })

  it('says of a store that does not answer only that', () => {
    const problem = { problem: 'unreachable, ECONNREFUSED' }
    const noPostgres = {
      postgres: problem,
      databaseRights: problem,
      actions: problem,
      pauses: problem,
      history: problem,
      audit: problem,
      webhooks: problem,
      failingScripts: problem,
    }
    assert.deepEqual(codes(noPostgres), ['postgres_unreachable'])
    const noRedis = { redis: problem, programs: problem, connectedRunners: null }
    assert.deepEqual(codes(noRedis), ['runners_unknown', 'redis_unreachable'])
    assert.deepEqual(codes({ ...noPostgres, ...noRedis }), [
      'runners_unknown',
      'postgres_unreachable',
      'redis_unreachable',
    ])
  })

  it('names missing, silent and unreporting runners', () => {
    assert.deepEqual(codes({ programs: { value: [server] }, connectedRunners: 0 }), ['no_runner'])
    assert.deepEqual(codes({ programs: { value: [server] }, connectedRunners: null }), ['no_runner'])
    assert.deepEqual(withRunner({ silentMs: 61_000 }), ['program_silent', 'runner_without_report'])
    assert.deepEqual(
      codes({ programs: { value: [server, { ...runner, silentMs: 61_000 }] }, connectedRunners: 0 }),
      ['no_runner', 'program_silent'],
    )
    assert.deepEqual(codes({ connectedRunners: 2 }), ['runner_without_report'])
    assert.deepEqual(codes({ connectedRunners: null }), [])
    assert.deepEqual(withRunner({ clockOffsetMs: null }), ['program_without_database'])
    assert.equal(
      problems({
        programs: { value: [server, runner, { ...server, name: 'server-2', silentMs: 700_000 }] },
      })[0]?.message,
      'server-2 reported 12 min ago for the last time.',
    )
  })

  it('names clocks that differ by more than two seconds', () => {
    assert.deepEqual(withPostgres({ clockOffsetMs: -2001 }), ['clock_wrong'])
    assert.deepEqual(withRedis({ clockOffsetMs: 2000 }), [])
    assert.deepEqual(withRunner({ clockOffsetMs: 90_000 }), ['clock_wrong'])
    assert.equal(
      problems({ programs: { value: [server, { ...runner, clockOffsetMs: -3500 }] } })[0]?.message,
      'The clock of runner-1 is 3.5 s behind that of PostgreSQL.',
    )
  })

  it('names where servers and runners differ', () => {
    assert.deepEqual(withRunner({ version: 'v2' }), ['versions_differ'])
    assert.deepEqual(withRunner({ settings: { SECRET_KEYS: 'd2' } }), ['settings_differ'])
    assert.deepEqual(withRunner({ settings: {} }), [])
    assert.deepEqual(withRunner({ policy: { digest: 'p2', problems: 0 } }), ['policy_differs'])
    assert.deepEqual(withSecondRunner({ scripts: { ...scripts, digest: 's2' } }), ['scripts_differ'])
    assert.deepEqual(withSecondRunner({}), [])
  })

  it('names what a runner finds in its scripts and in the policy', () => {
    assert.deepEqual(withRunner({ scripts: { ...scripts, problems: ['no create'] } }), ['scripts_broken'])
    assert.deepEqual(withRunner({ scripts: { ...scripts, unknownManifestKeys: ['fast'] } }), [
      'manifest_unknown_keys',
    ])
    assert.deepEqual(withRunner({ policy: { digest: 'p1', problems: 2 } }), ['policy_unreadable'])
    assert.deepEqual(codes({ policyProblems: 1 }), ['policy_rejected'])
    const rejecting = { ...server, policy: { digest: 'p1', problems: 1 } }
    assert.deepEqual(codes({ policyProblems: 1, programs: { value: [rejecting, runner] } }), [
      'policy_rejected',
    ])
    assert.deepEqual(codes({ programs: { value: [server, { ...rejecting, name: 'server-2' }, runner] } }), [
      'policy_rejected',
    ])
  })

  it('names work that waits, an unlimited history, missing seals, failing webhooks and open doors', () => {
    const actions = { running: 0, queued: 3, waiting: 0, oldestQueuedSeconds: 600, lateChecks: 4 }
    assert.deepEqual(codes({ actions: { value: actions } }), ['actions_wait', 'checks_late'])
    const pause = {
      what: 'checks',
      since: '2026-03-01T10:00:00.000000Z',
      by: 'Ann',
      reason: 'cluster upgrade',
    }
    assert.deepEqual(
      problems({ pauses: { value: [pause] } }).map(({ code, message }) => [code, message]),
      [['work_paused', 'Ann has paused checks since 2026-03-01T10:00Z: cluster upgrade']],
    )
    const large = { outputBytes: 0, tableBytes: 6 * 1024 ** 3 }
    assert.deepEqual(codes({ history: { value: { ...large, isLimited: false } } }), ['history_unlimited'])
    assert.deepEqual(codes({ history: { value: { ...large, isLimited: true } } }), [])
    assert.deepEqual(codes({ audit: { value: { unsealed: 3, oldestUnsealedSeconds: 301 } } }), [
      'audit_unsealed',
    ])
    assert.deepEqual(codes({ webhooks: { value: [{ name: 'chat', failed: 2, waitingWithError: 1 }] } }), [
      'webhook_failing',
    ])
    assert.deepEqual(codes({ failingScripts: { value: [{ script: 'info', count: 2 }] } }), [
      'scripts_failing',
    ])
    assert.deepEqual(codes({ access: { anonymousRole: 'developer', givesCredential: true } }), [
      'anonymous_changes',
      'credential_for_everyone',
    ])
    assert.deepEqual(codes({ access: { anonymousRole: 'viewer', givesCredential: false } }), [])
  })

  it('never contradicts itself, whatever the facts are, and its findings are those of the table', () => {
    const problem = fc.constant({ problem: 'no answer in 1.5 s' })
    const probed = <Value>(value: fc.Arbitrary<Value>) => fc.oneof(problem, fc.record({ value }))
    const number = fc.double({ noNaN: true, min: -1e9, max: 1e9 })
    const program = fc.record({
      ...Object.fromEntries(Object.entries(runner).map(([key, value]) => [key, fc.constant(value)])),
      kind: fc.constantFrom('server', 'runner'),
      name: fc.string({ maxLength: 5 }),
      version: fc.string({ maxLength: 2 }),
      silentMs: fc.nat(1_000_000),
      clockOffsetMs: fc.option(number),
    }) as unknown as fc.Arbitrary<SeenProgram>
    const facts = fc.record({
      ...Object.fromEntries(Object.entries(healthy).map(([key, value]) => [key, fc.constant(value)])),
      postgres: probed(
        fc.record({
          ...constants(postgres),
          latencyMs: number,
          clockOffsetMs: number,
          maxConnections: fc.nat(),
        }),
      ),
      redis: probed(fc.record({ ...constants(redis), version: fc.string(), usedBytes: fc.option(fc.nat()) })),
      programs: probed(fc.array(program, { maxLength: 5 })),
      connectedRunners: fc.option(fc.nat(5)),
      actions: probed(fc.record({ ...constants(numbers), queued: fc.nat(9), oldestQueuedSeconds: number })),
    }) as unknown as fc.Arbitrary<DoctorFacts>
    fc.assert(
      fc.property(facts, (given) => {
        const findings = judge(given)
        doctorResult.shape.findings.parse(findings)
        for (const { code, level, subject, cure, link } of findings) {
          assert.ok(subjects.includes(subject) && levels.includes(level))
          if (code === 'ok') {
            assert.equal(findings.filter((one) => one.subject === subject).length, 1, 'ok beside a fault')
            continue
          }
          assert.deepEqual([level, cure], [findingCodes[code].level, findingCodes[code].cure])
          assert.equal(link, `/docs/doctor.html#${code}`)
        }
      }),
    )
  })
})

const numbers = { running: 0, queued: 0, waiting: 0, oldestQueuedSeconds: 0, lateChecks: 0 }
const constants = <Shape extends object>(shape: Shape) =>
  Object.fromEntries(Object.entries(shape).map(([key, value]) => [key, fc.constant(value)]))
