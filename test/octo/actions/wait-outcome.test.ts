/** The rules that decide when a command stops waiting. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { actionSummary, fullInfoWithCheck as fullInfoShape } from '../../../domain/schemas.ts'
import { evaluateWait, findNewerAttempt, type TargetState } from '../../../octo/actions/wait-outcome.ts'
import { CliError } from '../../../octo/errors/cli-error.ts'
import { fullInfo, summary } from '../wire-fixtures.ts'

const snapshot = (status: string, state: string | null, actionType = 'UpdateAction', isOwnAction = true) => {
  const last = state === null ? null : actionSummary.parse({ ...summary, state, action: actionType })
  const failure = ['GenericFailure', 'TagMismatch'].includes(status)
  const recorded_status = failure ? { tag: 'Failure', contents: status } : { tag: status }
  const more = { status: { tag: 'DeploymentNotPending', recorded_status }, last_action: last }
  return { name: 'x1', info: fullInfoShape.parse(fullInfo('x1', more)), action: isOwnAction ? last : null }
}

for (const [target, current, expected] of [
  ['Running', snapshot('UpdatePending', 'running'), null],
  ['Running', snapshot('UpdatePending', 'succeeded'), null],
  ['Running', snapshot('Running', 'succeeded'), 'arrived'],
  ['Running', snapshot('Running', 'failed', 'UpdateAction', false), 'arrived'],
  ['Running', snapshot('GenericFailure', 'failed'), 'failed'],
  ['Running', snapshot('GenericFailure', 'timed_out'), 'failed'],
  ['Running', snapshot('GenericFailure', 'interrupted', 'CreateAction', false), 'failed'],
  ['Running', snapshot('GenericFailure', 'cancelled'), 'cancelled'],
  ['Running', snapshot('TagMismatch', 'succeeded'), 'failed'],
  ['Running', snapshot('ArchivePending', 'running', 'ArchiveAction', false), 'failed'],
  ['Running', snapshot('UpdatePending', 'queued', 'RestoreAction', false), null],
  ['Running', snapshot('Archived', null), 'failed'],
  ['Running', { name: 'x1', info: null, action: null }, 'failed'],
  ['Archived', snapshot('ArchivePending', 'succeeded', 'ArchiveAction'), null],
  ['Archived', snapshot('ArchivePending', 'failed', 'ArchiveAction', false), 'failed'],
  ['Archived', snapshot('Archived', 'succeeded', 'ArchiveAction'), 'arrived'],
  ['Archived', snapshot('UpdatePending', 'succeeded', 'UpdateAction', false), 'failed'],
  ['Archived', { name: 'x1', info: null, action: null }, 'arrived'],
  ['gone', snapshot('Archived', 'running', 'CleanupAction'), null],
  ['gone', snapshot('CleanupFailed', 'failed', 'CleanupAction', false), 'failed'],
  ['gone', { name: 'x1', info: null, action: null }, 'arrived'],
] as const) {
  const state =
    current.action?.state ??
    (current.info?.last_action ? `another ${current.info.last_action.state}` : 'no action')
  const status = current.info?.status.recorded_status
  test(`Waiting for ${target}: ${JSON.stringify(status ?? 'gone')} with ${state} gives ${expected}`, () => {
    const outcome = evaluateWait(target satisfies TargetState, current)
    assert.equal(outcome instanceof CliError ? outcome.kind : outcome, expected)
  })
}

test('Only a later attempt of the same kind continues an interrupted action', () => {
  const findNewer = (state: string, last: Record<string, unknown>) => {
    const action = actionSummary.parse({ ...summary, state })
    const last_action = { ...summary, action_id: 8, attempt: 2, ...last }
    return findNewerAttempt({
      name: 'x1',
      info: fullInfoShape.parse(fullInfo('x1', { last_action })),
      action,
    })
  }
  assert.equal(findNewer('interrupted', {})?.action_id, 8)
  assert.equal(findNewer('interrupted', { action_id: 9, attempt: 3 })?.action_id, 9)
  assert.equal(findNewer('running', {}), null)
  assert.equal(findNewer('failed', {}), null)
  assert.equal(findNewer('interrupted', { attempt: 1 }), null)
  assert.equal(findNewer('interrupted', { action: 'ArchiveAction' }), null)
  assert.equal(findNewer('interrupted', { action_id: 6 }), null)
})
