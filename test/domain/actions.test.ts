import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import {
  actionKinds,
  actionStates,
  actions,
  actionWireNames,
  canStart,
  invalidTransitionMessage,
  isActive,
  kindFromWireName,
  type ScriptResult,
  stateFromResult,
  statusAfterAction,
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

suite('the table of actions', () => {
  test('is that of the contract: what each needs, what it shows meanwhile, where a failure leads', () => {
    const up = ['Running', 'GenericFailure', 'PartialAvailability', 'TagMismatch']
    const rows = actionKinds.map((kind) => {
      const { allowedFrom, runningStatus, failureStatus, script, role } = actions[kind]
      return [kind, [...allowedFrom], runningStatus, failureStatus, script, role]
    })
    assert.deepEqual(rows, [
      ['create', [], 'CreatePending', 'GenericFailure', 'create', 'user'],
      ['update', up, 'UpdatePending', 'GenericFailure', 'update', 'user'],
      ['archive', [...up, 'ArchivePending'], 'ArchivePending', 'ArchivePending', 'archive', 'user'],
      ['restore', ['Archived'], 'CreatePending', 'GenericFailure', 'unarchive', 'user'],
      ['cleanup', ['Archived', 'CleanupFailed'], null, 'CleanupFailed', 'cleanup', 'admin'],
    ])
  })

  test('config_check and info come before create, update and restore only', () => {
    assert.deepEqual(
      actionKinds.filter((kind) => actions[kind].runsConfigCheck),
      ['create', 'update', 'restore'],
    )
  })

  test('names scripts that there are, and wire names of the contract, each once', () => {
    for (const kind of actionKinds) assert.ok(actions[kind].script in scripts)
    assert.deepEqual(actionWireNames, [
      'CreateAction',
      'UpdateAction',
      'ArchiveAction',
      'RestoreAction',
      'CleanupAction',
    ])
    for (const kind of actionKinds) assert.equal(kindFromWireName(actions[kind].wireName), kind)
    assert.throws(() => kindFromWireName('DeleteAction' as 'CreateAction'), /not an action/)
  })

  test('a refused move names the deployment, where it is, and every status that would allow it', () => {
    for (const kind of actionKinds.filter((one) => one !== 'create'))
      for (const status of statuses.filter((one) => !canStart(kind, one))) {
        const words = invalidTransitionMessage(kind, 'feature-1', status)
        assert.ok(words.startsWith(`Deployment feature-1 is ${status}:`), words)
        for (const needed of actions[kind].allowedFrom) assert.ok(words.includes(needed), words)
      }
  })

  test('nothing but create begins without a deployment, and create never begins on one', () => {
    for (const status of statuses) assert.equal(canStart('create', status), false)
  })
})

suite('the end of an action', () => {
  test('only exit code 0 without any other reason is a success', () => {
    assert.equal(stateFromResult(successfulResult), 'succeeded')
    assert.equal(stateFromResult({ ...successfulResult, exitCode: 1 }), 'failed')
    assert.equal(stateFromResult({ ...successfulResult, exitCode: null, signal: 'SIGSEGV' }), 'failed')
    assert.equal(stateFromResult({ ...successfulResult, error: 'there is no such file' }), 'failed')
    assert.equal(
      stateFromResult({ ...successfulResult, truncated: true }),
      'succeeded',
      'long output is no failure',
    )
  })

  test('our signal outranks the exit code: a script that answers TERM with 0 has not succeeded', () => {
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

  test('leads to a status of the contract: only a clean-up that succeeds forgets the deployment', () => {
    for (const kind of actionKinds) {
      assert.equal(statusAfterAction(kind, false), actions[kind].failureStatus)
      assert.equal(statusAfterAction(kind, true), kind === 'cleanup' ? null : actions[kind].runningStatus)
    }
  })

  test('queued and running are the only states under way', () => {
    assert.deepEqual(actionStates.filter(isActive), ['queued', 'running'])
  })
})
