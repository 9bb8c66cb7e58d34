/** When an action may start, and the error for each condition that is not met. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { actionKinds, allowedStatuses, canStart } from '../../domain/actions.ts'
import { findUnmetCondition, unmetConditionError } from '../../domain/start-conditions.ts'
import { statuses } from '../../domain/statuses.ts'

const idle = { busy: false, configRevision: 5 }

test('create needs a free name, every other action an existing deployment', () => {
  for (const kind of actionKinds) {
    const request = { kind, name: 'feature-1' }
    assert.equal(findUnmetCondition(request, null), kind === 'create' ? null : 'no_such_deployment')
    if (kind === 'create')
      assert.equal(findUnmetCondition(request, { ...idle, status: 'Running' }), 'name_taken')
  }
})

test('The status decides, and a deployment with an active action allows nothing', () => {
  for (const kind of actionKinds.filter((one) => one !== 'create'))
    for (const status of statuses) {
      const request = { kind, name: 'feature-1' }
      const expected = canStart(kind, status) ? null : 'invalid_transition'
      assert.equal(findUnmetCondition(request, { ...idle, status }), expected)
      assert.equal(findUnmetCondition(request, { ...idle, status, busy: true }), 'busy')
    }
})

test('An update is rejected when the config has changed since the revision that was read', () => {
  const current = { ...idle, status: 'Running' } as const
  const update = { kind: 'update', name: 'feature-1' } as const
  assert.equal(findUnmetCondition({ ...update, revision: 4 }, current), 'precondition_failed')
  assert.equal(findUnmetCondition({ ...update, revision: 5 }, current), null)
  assert.equal(findUnmetCondition(update, current), null)
})

test('Each error has the code of its condition and names the deployment', () => {
  for (const condition of [
    'name_taken',
    'no_such_deployment',
    'busy',
    'invalid_transition',
    'precondition_failed',
  ] as const) {
    const error = unmetConditionError(condition, { kind: 'update', name: 'feature-1' }, 'Archived')
    assert.equal(error.code, condition)
    assert.match(error.message, /feature-1/)
  }
})

test('The error of a status names it and every status that allows the action', () => {
  for (const kind of actionKinds.filter((one) => one !== 'create'))
    for (const status of statuses.filter((one) => !canStart(kind, one))) {
      const { message } = unmetConditionError('invalid_transition', { kind, name: 'feature-1' }, status)
      assert.ok(message.startsWith(`Deployment feature-1 is ${status}:`), message)
      for (const allowed of allowedStatuses(kind)) assert.ok(message.includes(allowed), message)
    }
})
