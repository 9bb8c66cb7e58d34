import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { ActionState } from '../../../domain/actions.ts'
import type { ActionSummary, FullInfoWithCheck } from '../../../domain/schemas.ts'
import { usualDurationMs } from '../../../web/activity/usual-duration.ts'
import {
  cancelNote,
  checkOutcome,
  inPageWords,
  needsAttention,
  pageStatus,
  statusLabel,
  statusReason,
} from '../../../web/deployment/status-labels.ts'
import { sampleDeployment } from '../../helpers/browser/sample-deployment.ts'

type LastCheck = NonNullable<FullInfoWithCheck['last_check']>

describe('status labels', () => {
  it('A running action has priority over the stored status', () => {
    const info = sampleDeployment({
      status: 'Archived',
      action: { action: 'CleanupAction', state: 'running' },
    })
    assert.deepEqual(statusLabel(info), { label: 'Cleaning up', tone: 'progress' })
  })

  it('A message of the server gets the words of the page', () => {
    const message = 'Deployment a-1 is CreatePending: archive needs it to be Running or GenericFailure.'
    assert.equal(
      inPageWords(message),
      'Deployment a-1 is Creating: archive needs it to be Running or Failing.',
    )
    assert.equal(inPageWords('GenericFailures of RunningShoes'), 'GenericFailures of RunningShoes')
  })

  it('A pending restore is labelled Restoring, not Creating', () => {
    const info = sampleDeployment({ status: 'CreatePending', action: { action: 'RestoreAction' } })
    assert.equal(statusLabel(info).label, 'Restoring')
    assert.equal(statusReason(info), 'Waiting for the health check')
  })

  it('The reason is the failed action, otherwise the health check', () => {
    const failed = { action: 'UpdateAction', state: 'failed', exit_code: 3 } as const
    assert.equal(
      statusReason(sampleDeployment({ status: 'GenericFailure', action: failed })),
      'Update failed (exit code 3)',
    )
    assert.equal(statusReason(sampleDeployment({ status: 'TagMismatch' })), 'Health check failed')
    assert.equal(statusReason(sampleDeployment()), null)
  })

  it('Running with a failed last action is amber and says so', () => {
    const label = (action: Partial<ActionSummary>) => statusLabel(sampleDeployment({ action }))
    const update = { action: 'UpdateAction' } as const
    assert.deepEqual(label({ ...update, state: 'failed', exit_code: 3 }), {
      label: 'Running, last update failed',
      tone: 'warning',
    })
    assert.equal(label({ ...update, state: 'timed_out' }).label, 'Running, last update timed out')
    assert.equal(label({ action: 'RestoreAction', state: 'interrupted' }).tone, 'warning')
    // A cancelled action that never started has changed nothing.
    assert.equal(label({ ...update, state: 'cancelled', started_at: null }).tone, 'success')
    const failed = sampleDeployment({ action: { ...update, state: 'failed', exit_code: 3 } })
    assert.equal(statusReason(failed), 'Exit code 3')
    assert.equal(needsAttention(failed), true)
    assert.equal(needsAttention(sampleDeployment({ status: 'CleanupFailed' })), false, 'it is archived')
  })

  it('The page of a deployment does not repeat the outcome that its panel says', () => {
    const failed = { state: 'failed', exit_code: 1 } as const
    const archive = sampleDeployment({
      status: 'ArchivePending',
      action: { action: 'ArchiveAction', ...failed },
    })
    assert.deepEqual(statusLabel(archive), { label: 'Archive failed', tone: 'error' })
    assert.deepEqual(pageStatus(archive), { label: 'Not archived', tone: 'error' })
    const update = sampleDeployment({ action: { action: 'UpdateAction', ...failed } })
    assert.deepEqual(pageStatus(update), { label: 'Running', tone: 'success' })
  })

  it('The last check is told in the words of its script', () => {
    const check = (exit_code: number | null, error: string | null) =>
      checkOutcome({ checked_at: '', exit_code, error, failure: null }, 'Running')
    assert.equal(check(0, null), 'Health check passed')
    assert.equal(
      check(1, 'The check script failed with exit code 1: \u001b[31m503\u001b[0m from /health'),
      'Health check failed: 503 from /health',
    )
    assert.equal(
      check(2, 'The check script failed with exit code 2.'),
      'Health check failed with exit code 2',
    )
    const failed = { checked_at: '', exit_code: 1, error: 'The check script failed with exit code 1.' }
    const until = (failure: LastCheck['failure']) =>
      checkOutcome({ ...failed, failure }, 'CreatePending', '2026-01-01T10:00:00Z')
    const words = {
      what: 'script',
      script: 'check',
      message: '',
      hint: null,
      output_hidden: false,
      remedies: [],
    }
    assert.match(
      until({ ...words, output: '503 from /health' }),
      /^Waiting for the health check until .*\d\d.\d\d.*: 503 from \/health$/,
    )
    assert.match(until(null), /^Waiting for the health check until .+: it failed with exit code 1$/)
    assert.equal(check(null, 'no runner'), 'Health check could not run: no runner')
    const archive = { checked_at: '', exit_code: 1, error: null, failure: null }
    assert.equal(checkOutcome(archive, 'ArchivePending'), 'Archive check failed with exit code 1')
  })

  it('An action took longer than usual only beside enough earlier ones', () => {
    const at = (action_id: number, seconds: number, state = 'succeeded') => ({
      ...(sampleDeployment().last_action as ActionSummary),
      action_id,
      state: state as ActionSummary['state'],
      started_at: '2026-01-01T10:00:00.000000Z',
      finished_at: new Date(Date.UTC(2026, 0, 1, 10, 0, seconds)).toISOString(),
    })
    const last = at(9, 50)
    assert.equal(usualDurationMs(last, [last, at(8, 3), at(7, 5)]), null)
    assert.equal(usualDurationMs(last, [last, at(8, 3), at(7, 5), at(6, 99, 'failed'), at(5, 7)]), 5000)
  })

  it('A cancel is shown as done only when the action ended by it', () => {
    const noteOf = (state: ActionState, cancelledBy: string | null = 'carl') => {
      const { last_action } = sampleDeployment({
        action: { action: 'UpdateAction', state, cancelled_by: cancelledBy },
      })
      return last_action && cancelNote(last_action)
    }
    assert.equal(noteOf('succeeded', null), null)
    assert.equal(noteOf('cancelled'), 'Cancelled by carl')
    assert.equal(noteOf('running'), 'Being cancelled by carl')
    for (const state of ['succeeded', 'failed', 'timed_out', 'interrupted'] as const)
      assert.equal(noteOf(state), 'The script ended before the cancel by carl reached it.')
  })
})
