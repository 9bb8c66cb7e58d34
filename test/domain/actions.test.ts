import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import {
  actionKinds,
  actionStates,
  actions,
  actionWireNames,
  allowedStatuses,
  canStart,
  isActive,
  kindFromWireName,
  type ScriptResult,
  stateFromResult,
  statusAfterAction,
  toWireName,
} from '../../domain/actions.ts'
import { scripts } from '../../domain/script.ts'
import { statuses } from '../../domain/statuses.ts'

const successfulResult: ScriptResult = {
  exitCode: 0,
  signal: null,
  timedOut: false,
  cancelled: false,
  interrupted: false,
  truncated: false,
  durationMs: 1,
  error: null,
}

suite('actions', () => {
  test('The table is that of the contract: allowed statuses, running status, failure status, script', () => {
    const up = ['Running', 'GenericFailure', 'PartialAvailability', 'TagMismatch']
    const rows = actionKinds.map((kind) => {
      const { runningStatus, failureStatus, script } = actions[kind]
      return [kind, allowedStatuses(kind), runningStatus, failureStatus, script]
    })
    assert.deepEqual(rows, [
      ['create', [], 'CreatePending', 'GenericFailure', 'create'],
      ['update', up, 'UpdatePending', 'GenericFailure', 'update'],
      ['archive', [...up, 'ArchivePending'], 'ArchivePending', 'ArchivePending', 'archive'],
      ['restore', ['Archived'], 'CreatePending', 'GenericFailure', 'unarchive'],
      ['cleanup', ['Archived', 'CleanupFailed'], null, 'CleanupFailed', 'cleanup'],
    ])
  })

  test('config_check and info run before create, update and restore only', () => {
    assert.deepEqual(
      actionKinds.filter((kind) => actions[kind].runsConfigCheck),
      ['create', 'update', 'restore'],
    )
  })

  test('Every action has an existing script and its own name of the contract', () => {
    for (const kind of actionKinds) assert.ok(actions[kind].script in scripts)
    assert.deepEqual(actionWireNames, [
      'CreateAction',
      'UpdateAction',
      'ArchiveAction',
      'RestoreAction',
      'CleanupAction',
    ])
    for (const kind of actionKinds) assert.equal(kindFromWireName(toWireName(kind)), kind)
    assert.throws(() => kindFromWireName('DeleteAction' as 'CreateAction'), /not an action/)
  })

  test('Clients of Octopod 1.6 receive its five kinds unchanged, and no other', () => {
    const known = ['create', 'update', 'archive', 'restore', 'cleanup'] as const
    for (const kind of known) assert.equal(actions[kind].legacyKind, kind)
    for (const kind of actionKinds) assert.ok(known.includes(actions[kind].legacyKind), kind)
  })

  test('create never starts on an existing deployment', () => {
    for (const status of statuses) assert.equal(canStart('create', status), false)
  })
})

suite('stateFromResult', () => {
  test('Only exit code 0 without any other reason is a success', () => {
    assert.equal(stateFromResult(successfulResult), 'succeeded')
    assert.equal(stateFromResult({ ...successfulResult, exitCode: 1 }), 'failed')
    assert.equal(stateFromResult({ ...successfulResult, exitCode: null, signal: 'SIGSEGV' }), 'failed')
    assert.equal(stateFromResult({ ...successfulResult, error: 'no such file' }), 'failed')
    assert.equal(
      stateFromResult({ ...successfulResult, truncated: true }),
      'succeeded',
      'truncated output is not a failure',
    )
  })

  test('A signal from Octopod outranks the exit code: a script that exits with 0 after TERM has not succeeded', () => {
    const result = fc.record({
      exitCode: fc.option(fc.integer({ min: 0, max: 255 })),
      timedOut: fc.boolean(),
      cancelled: fc.boolean(),
      interrupted: fc.boolean(),
    })
    fc.assert(
      fc.property(result, (how) => {
        const state = stateFromResult({ ...successfulResult, ...how })
        const stopped = how.timedOut || how.cancelled || how.interrupted
        assert.equal(state === 'succeeded', !stopped && how.exitCode === 0)
        if (how.interrupted) assert.equal(state, 'interrupted')
      }),
    )
  })

  test('Only a successful cleanup deletes the deployment', () => {
    for (const kind of actionKinds) {
      assert.equal(statusAfterAction(kind, false), actions[kind].failureStatus)
      assert.equal(statusAfterAction(kind, true), kind === 'cleanup' ? null : actions[kind].runningStatus)
    }
  })

  test('queued and running are the only active states', () => {
    assert.deepEqual(actionStates.filter(isActive), ['queued', 'running'])
  })
})
