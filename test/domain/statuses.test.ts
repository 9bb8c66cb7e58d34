/** Statuses, actions and checks together against the table of contract §2, written here as data. */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import { type ActionKind, actionKinds, canStart, statusAfterAction } from '../../domain/actions.ts'
import {
  checkScriptFor,
  failureForExitCode,
  failureKinds,
  fromRecordedStatus,
  type Status,
  statusAfterCheck,
  statusAfterCheckError,
  statuses,
  toRecordedStatus,
} from '../../domain/statuses.ts'

const statusArbitrary = fc.constantFrom(...statuses)
const exitCodeArbitrary = fc.option(fc.integer({ min: 0, max: 255 }))
const timeoutMs = 600_000

suite('recorded statuses', () => {
  test('come back as they went', () => {
    for (const one of statuses) assert.equal(fromRecordedStatus(toRecordedStatus(one)), one)
  })

  test('a failure is named by its kind, all others by themselves', () => {
    assert.deepEqual(toRecordedStatus('Running'), { tag: 'Running' })
    for (const kind of failureKinds)
      assert.deepEqual(toRecordedStatus(kind), { tag: 'Failure', contents: kind })
  })
})

suite('a check', () => {
  // from, exit code, still pending within patience?, to
  const table: [Status, number | null, 'early' | 'late' | 'any', Status][] = [
    ['CreatePending', 0, 'any', 'Running'],
    ['UpdatePending', 0, 'any', 'Running'],
    ['CreatePending', 1, 'early', 'CreatePending'],
    ['UpdatePending', 1, 'early', 'UpdatePending'],
    ['CreatePending', null, 'early', 'CreatePending'],
    ['CreatePending', 1, 'late', 'GenericFailure'],
    ['UpdatePending', 2, 'late', 'PartialAvailability'],
    ['UpdatePending', null, 'late', 'GenericFailure'],
    ['Running', 0, 'any', 'Running'],
    ['Running', 1, 'any', 'GenericFailure'],
    ['Running', 2, 'any', 'PartialAvailability'],
    ['Running', 3, 'any', 'TagMismatch'],
    ['Running', 4, 'any', 'GenericFailure'],
    ['Running', 255, 'any', 'GenericFailure'],
    ['Running', null, 'any', 'GenericFailure'],
    ['GenericFailure', 0, 'any', 'Running'],
    ['PartialAvailability', 0, 'any', 'Running'],
    ['TagMismatch', 0, 'any', 'Running'],
    ['GenericFailure', 2, 'any', 'GenericFailure'],
    ['TagMismatch', 1, 'any', 'TagMismatch'],
    ['ArchivePending', 0, 'any', 'Archived'],
    ['ArchivePending', 1, 'any', 'ArchivePending'],
    ['ArchivePending', null, 'any', 'ArchivePending'],
    ['Archived', 0, 'any', 'Archived'],
    ['Archived', 1, 'any', 'Archived'],
    ['CleanupFailed', 0, 'any', 'CleanupFailed'],
    ['CleanupFailed', 1, 'any', 'CleanupFailed'],
  ]

  test('moves a deployment as the contract says', () => {
    for (const [from, code, when, to] of table) {
      const ages = { early: [0, timeoutMs - 1], late: [timeoutMs, timeoutMs * 100] }
      for (const age of when === 'any' ? [...ages.early, ...ages.late] : ages[when])
        assert.equal(statusAfterCheck(from, code, age, timeoutMs), to, `${from}, ${code}, ${age} ms`)
    }
  })

  test('that could not be made leaves what runs and what failed; what is pending does not wait for ever', () => {
    for (const one of statuses)
      for (const age of [0, timeoutMs - 1, timeoutMs]) {
        const waitedLong = ['CreatePending', 'UpdatePending'].includes(one) && age >= timeoutMs
        assert.equal(statusAfterCheckError(one, age, timeoutMs), waitedLong ? 'GenericFailure' : one)
      }
  })

  test('is made by archive_check while archiving, by none once put away, by check otherwise', () => {
    const script = (one: Status) => checkScriptFor(one)
    assert.equal(script('ArchivePending'), 'archive_check')
    assert.equal(script('Archived'), null)
    assert.equal(script('CleanupFailed'), null)
    for (const one of statuses.filter((other) => !other.startsWith('Arch') && other !== 'CleanupFailed'))
      assert.equal(script(one), 'check')
  })

  test('every non-zero exit code is a failure of exactly one kind', () => {
    for (let code = 1; code < 256; code++)
      assert.equal(
        failureForExitCode(code),
        code === 2 ? failureKinds[1] : code === 3 ? failureKinds[2] : failureKinds[0],
      )
  })
})

/** Contract §2 as pairs; `gone` is no deployment, `any failure` the three kinds. */
const contractTransitions: [from: readonly (Status | 'gone')[], to: readonly (Status | 'gone')[]][] = [
  [['gone'], ['CreatePending']],
  [
    ['CreatePending', 'UpdatePending'],
    ['Running', ...failureKinds],
  ],
  [['Running'], failureKinds],
  [failureKinds, ['Running', 'GenericFailure']],
  [['Running', ...failureKinds], ['UpdatePending']],
  [['Running', ...failureKinds, 'ArchivePending'], ['ArchivePending']],
  [['ArchivePending'], ['Archived']],
  [['Archived'], ['CreatePending']],
  [
    ['Archived', 'CleanupFailed'],
    ['gone', 'CleanupFailed'],
  ],
]
const isAllowed = (from: Status | 'gone', to: Status | 'gone') =>
  from === to || contractTransitions.some(([starts, ends]) => starts.includes(from) && ends.includes(to))

/** One step of a deployment's life: an action to its end, or a check. */
function applyStep(at: Status | 'gone', what: LifecycleStep): [Status | 'gone', ...(Status | 'gone')[]] {
  if (what.kind === 'check')
    return at === 'gone' ? [at] : [statusAfterCheck(at, what.exitCode, what.pendingMs, timeoutMs)]
  const begins = at === 'gone' ? what.kind === 'create' : canStart(what.kind, at)
  if (!begins) return [at]
  const during = statusAfterAction(what.kind, true) ?? at
  const after = statusAfterAction(what.kind, what.succeeds) ?? 'gone'
  return [after, during === 'gone' ? at : during]
}
type LifecycleStep =
  | { kind: ActionKind; succeeds: boolean }
  | { kind: 'check'; exitCode: number | null; pendingMs: number }

suite('a life', () => {
  const stepArbitrary: fc.Arbitrary<LifecycleStep> = fc.oneof(
    fc.record({ kind: fc.constantFrom(...actionKinds), succeeds: fc.boolean() }),
    fc.record({
      kind: fc.constant('check' as const),
      exitCode: exitCodeArbitrary,
      pendingMs: fc.nat(2 * timeoutMs),
    }),
  )

  test('of any actions and checks never leaves the table of the contract', () => {
    fc.assert(
      fc.property(fc.array(stepArbitrary, { maxLength: 60 }), (steps) => {
        let at: Status | 'gone' = 'gone'
        for (const what of steps) {
          const [after, during] = applyStep(at, what)
          if (during !== undefined) assert.ok(isAllowed(at, during), `${at} → ${during} by ${what.kind}`)
          const before: Status | 'gone' = during ?? at
          assert.ok(isAllowed(before, after), `${before} → ${after} by ${what.kind}`)
          at = after
        }
      }),
      { numRuns: 500 },
    )
  })

  test('never gets stuck: from every status some move leads on, and some way leads out', () => {
    const next = (at: Status): (Status | 'gone')[] => [
      ...actionKinds.flatMap((kind) =>
        [true, false].flatMap((succeeds) => applyStep(at, { kind, succeeds })),
      ),
      ...[0, 1, 2, 3].flatMap((code) =>
        applyStep(at, { kind: 'check', exitCode: code, pendingMs: timeoutMs }),
      ),
    ]
    const waysOut = new Set<Status | 'gone'>(['gone'])
    for (let grown = true; grown; ) {
      const more = statuses.filter((one) => !waysOut.has(one) && next(one).some((to) => waysOut.has(to)))
      for (const one of more) waysOut.add(one)
      grown = more.length > 0
    }
    for (const one of statuses) {
      assert.ok(
        next(one).some((to) => to !== one),
        `${one} leads nowhere`,
      )
      assert.ok(waysOut.has(one), `${one} never ends`)
    }
  })

  test('a check alone never makes a deployment go, and never touches one that is put away', () => {
    fc.assert(
      fc.property(statusArbitrary, exitCodeArbitrary, fc.nat(), (one, code, pendingMs) => {
        const to = statusAfterCheck(one, code, pendingMs, timeoutMs)
        assert.ok(statuses.includes(to))
        if (checkScriptFor(one) === null) assert.equal(to, one)
      }),
    )
  })
})
