/** The limits of the history: which actions and outputs they remove, and the reason that readers see. */
import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import {
  findRemoval,
  type HistoryLimits,
  type KeptAction,
  noNewerActions,
  overTotalLimit,
} from '../../../../db/queries/history/limits.ts'
import { noLimits } from './history-fixtures.ts'

const dayMs = 86_400_000
const old: KeptAction = { hasRun: true, ageMs: 40 * dayMs, outputBytes: 600 }
const one = { count: 1, hasRunCount: 1, outputBytes: 500 }

suite('findRemoval', () => {
  test('Without limits everything is kept', () => {
    assert.equal(findRemoval(old, one, noLimits), null)
  })

  test('The last action and an active one are kept, whatever the limits are', () => {
    const limits = {
      actionAgeMs: 1,
      actionsPerDeployment: 1,
      outputAgeMs: 1,
      outputBytesPerDeployment: 1,
      outputBytesInTotal: 1,
    }
    assert.equal(findRemoval(old, noNewerActions, limits), null)
    assert.equal(findRemoval({ ...old, ageMs: null }, one, limits), null)
  })

  test('An action is deleted when it is too old, or when there are enough newer ones', () => {
    const deleted = { type: 'delete_action' }
    assert.deepEqual(findRemoval(old, one, { ...noLimits, actionAgeMs: 30 * dayMs }), deleted)
    assert.equal(findRemoval(old, one, { ...noLimits, actionAgeMs: 50 * dayMs }), null)
    assert.deepEqual(
      findRemoval(old, { ...one, count: 2 }, { ...noLimits, actionsPerDeployment: 2 }),
      deleted,
    )
    assert.equal(findRemoval(old, one, { ...noLimits, actionsPerDeployment: 2 }), null)
  })

  test('Actions that never left their wait do not push out the last one that ran', () => {
    const limits = { ...noLimits, actionsPerDeployment: 1 }
    const superseded = { hasRun: false, ageMs: dayMs, outputBytes: 0 }
    assert.equal(findRemoval(old, { count: 3, hasRunCount: 0, outputBytes: 0 }, limits), null)
    assert.deepEqual(findRemoval(superseded, { ...one, hasRunCount: 0 }, limits), { type: 'delete_action' })
    assert.equal(findRemoval(superseded, noNewerActions, limits), null)
  })

  test('The reason of a removed output names the limit and its setting', () => {
    const reasonOf = (limits: Partial<HistoryLimits>) => {
      const removal = findRemoval(old, one, { ...noLimits, ...limits })
      return removal?.type === 'remove_output' ? removal.reason : removal
    }
    assert.equal(
      reasonOf({ outputAgeMs: 30 * dayMs }),
      'The output was removed after 30 days (OUTPUT_RETENTION).',
    )
    assert.equal(
      reasonOf({ outputBytesPerDeployment: 1000 }),
      'The output was removed because its deployment had more than 1 kB (OUTPUT_DEPLOYMENT_LIMIT).',
    )
    assert.equal(reasonOf({ outputBytesPerDeployment: 1100 }), null)
    assert.equal(
      overTotalLimit(2_500_000_000),
      'The output was removed because all deployments had more than 2.5 GB (OUTPUT_TOTAL_LIMIT).',
    )
  })

  test('An action without output has none to remove', () => {
    const silent = { ...old, outputBytes: 0 }
    assert.equal(findRemoval(silent, one, { ...noLimits, outputAgeMs: 1, outputBytesPerDeployment: 1 }), null)
  })
})
