/** Statuses, actions and checks against the transitions of contract §2, which are repeated here as data. */
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

suite('The form of a status in the API', () => {
  test('A status survives the conversion to the API form and back', () => {
    for (const one of statuses) assert.equal(fromRecordedStatus(toRecordedStatus(one)), one)
  })

  test('A failure is sent with its kind, all others by name', () => {
    assert.deepEqual(toRecordedStatus('Running'), { tag: 'Running' })
    for (const kind of failureKinds)
      assert.deepEqual(toRecordedStatus(kind), { tag: 'Failure', contents: kind })
  })
})

suite('The status after a check', () => {
  // Status before, exit code, before or after the time limit, status after.
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

  test('A check changes the status as the contract says', () => {
    for (const [from, code, when, to] of table) {
      const ages = { early: [0, timeoutMs - 1], late: [timeoutMs, timeoutMs * 100] }
      for (const age of when === 'any' ? [...ages.early, ...ages.late] : ages[when])
        assert.equal(statusAfterCheck(from, code, age, timeoutMs), to, `${from}, ${code}, ${age} ms`)
    }
  })

  test('A check that could not run changes only a pending status, and only after the time limit', () => {
    for (const one of statuses)
      for (const age of [0, timeoutMs - 1, timeoutMs]) {
        const waitedLong = ['CreatePending', 'UpdatePending'].includes(one) && age >= timeoutMs
        assert.equal(statusAfterCheckError(one, age, timeoutMs), waitedLong ? 'GenericFailure' : one)
      }
  })

  test('archive_check runs while archiving, nothing for archived deployments, check otherwise', () => {
    const script = (one: Status) => checkScriptFor(one)
    assert.equal(script('ArchivePending'), 'archive_check')
    assert.equal(script('Archived'), null)
    assert.equal(script('CleanupFailed'), null)
    for (const one of statuses.filter((other) => !other.startsWith('Arch') && other !== 'CleanupFailed'))
      assert.equal(script(one), 'check')
  })

  test('Every non-zero exit code stands for exactly one failure', () => {
    for (let code = 1; code < 256; code++)
      assert.equal(
        failureForExitCode(code),
        code === 2 ? failureKinds[1] : code === 3 ? failureKinds[2] : failureKinds[0],
      )
  })
})

/** The transitions of contract §2. `deleted`: there is no deployment. */
const contractTransitions: [from: readonly (Status | 'deleted')[], to: readonly (Status | 'deleted')[]][] = [
  [['deleted'], ['CreatePending']],
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
    ['deleted', 'CleanupFailed'],
  ],
]
const isAllowed = (from: Status | 'deleted', to: Status | 'deleted') =>
  from === to || contractTransitions.some(([starts, ends]) => starts.includes(from) && ends.includes(to))

/** Applies one step: a whole action, or a check. Returns the status after it and, if an action ran, during it. */
function applyStep(
  at: Status | 'deleted',
  what: LifecycleStep,
): [Status | 'deleted', ...(Status | 'deleted')[]] {
  if (what.kind === 'check')
    return at === 'deleted' ? [at] : [statusAfterCheck(at, what.exitCode, what.pendingMs, timeoutMs)]
  const begins = at === 'deleted' ? what.kind === 'create' : canStart(what.kind, at)
  if (!begins) return [at]
  const during = statusAfterAction(what.kind, true) ?? at
  const after = statusAfterAction(what.kind, what.succeeds) ?? 'deleted'
  return [after, during === 'deleted' ? at : during]
}
type LifecycleStep =
  | { kind: ActionKind; succeeds: boolean }
  | { kind: 'check'; exitCode: number | null; pendingMs: number }

suite('The lifecycle', () => {
  const stepArbitrary: fc.Arbitrary<LifecycleStep> = fc.oneof(
    fc.record({ kind: fc.constantFrom(...actionKinds), succeeds: fc.boolean() }),
    fc.record({
      kind: fc.constant('check' as const),
      exitCode: exitCodeArbitrary,
      pendingMs: fc.nat(2 * timeoutMs),
    }),
  )

  test('Random actions and checks make only transitions of the contract', () => {
    fc.assert(
      fc.property(fc.array(stepArbitrary, { maxLength: 60 }), (steps) => {
        let at: Status | 'deleted' = 'deleted'
        for (const what of steps) {
          const [after, during] = applyStep(at, what)
          if (during !== undefined) assert.ok(isAllowed(at, during), `${at} → ${during} by ${what.kind}`)
          const before: Status | 'deleted' = during ?? at
          assert.ok(isAllowed(before, after), `${before} → ${after} by ${what.kind}`)
          at = after
        }
      }),
      { numRuns: 500 },
    )
  })

  test('Every status has a way out, and every deployment can be deleted in the end', () => {
    const next = (at: Status): (Status | 'deleted')[] => [
      ...actionKinds.flatMap((kind) =>
        [true, false].flatMap((succeeds) => applyStep(at, { kind, succeeds })),
      ),
      ...[0, 1, 2, 3].flatMap((code) =>
        applyStep(at, { kind: 'check', exitCode: code, pendingMs: timeoutMs }),
      ),
    ]
    const waysOut = new Set<Status | 'deleted'>(['deleted'])
    for (let grown = true; grown; ) {
      const more = statuses.filter((one) => !waysOut.has(one) && next(one).some((to) => waysOut.has(to)))
      for (const one of more) waysOut.add(one)
      grown = more.length > 0
    }
    for (const one of statuses) {
      assert.ok(
        next(one).some((to) => to !== one),
        `${one} has no way out`,
      )
      assert.ok(waysOut.has(one), `${one} never leads to deletion`)
    }
  })

  test('A check never deletes a deployment and never changes one that is archived', () => {
    fc.assert(
      fc.property(statusArbitrary, exitCodeArbitrary, fc.nat(), (one, code, pendingMs) => {
        const to = statusAfterCheck(one, code, pendingMs, timeoutMs)
        assert.ok(statuses.includes(to))
        if (checkScriptFor(one) === null) assert.equal(to, one)
      }),
    )
  })
})
