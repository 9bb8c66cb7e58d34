import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { disabledReason } from '../../web/deployment/available-actions.ts'
import { formatDuration, formatElapsed, formatRelative, statusLabel, statusReason } from '../../web/format.ts'
import { sampleDeployment } from '../helpers/browser/sample-deployment.ts'

describe('the words of a status', () => {
  it('say what runs now before anything else', () => {
    const info = sampleDeployment({
      status: 'Archived',
      action: { action: 'CleanupAction', state: 'running' },
    })
    assert.deepEqual(statusLabel(info), { word: 'Cleaning up', look: 'busy' })
  })

  it('tell a restore from a create', () => {
    const info = sampleDeployment({ status: 'CreatePending', action: { action: 'RestoreAction' } })
    assert.equal(statusLabel(info).label, 'Restoring')
    assert.equal(statusReason(info), 'until the check says it is up')
  })

  it('give the reason: the action that failed, else the check', () => {
    const failed = { action: 'UpdateAction', state: 'failed', exit_code: 3 } as const
    assert.equal(
      statusReason(sampleDeployment({ status: 'GenericFailure', action: failed })),
      'update failed (exit 3)',
    )
    assert.equal(statusReason(sampleDeployment({ status: 'TagMismatch' })), 'the check says so')
    assert.equal(statusReason(sampleDeployment()), null)
  })
})

describe('what may be done', () => {
  it('is refused with a reason while something runs, to users what is for admins, and what makes no sense', () => {
    const busy = sampleDeployment({ action: { action: 'UpdateAction', state: 'running' } })
    assert.match(disabledReason('archive', busy, false) ?? '', /Wait until updating has ended/)
    assert.match(
      disabledReason('cleanup', sampleDeployment({ status: 'Archived' }), false) ?? '',
      /For admins/,
    )
    assert.match(disabledReason('cleanup', sampleDeployment(), true) ?? '', /Archive it first/)
    assert.match(disabledReason('restore', sampleDeployment(), false) ?? '', /Only what is archived/)
    assert.match(
      disabledReason('update', sampleDeployment({ status: 'CreatePending' }), false) ?? '',
      /Not while it is creating/,
    )
  })

  it('is allowed as the moves allow it', () => {
    assert.equal(disabledReason('update', sampleDeployment({ status: 'GenericFailure' }), false), null)
    assert.equal(disabledReason('archive', sampleDeployment({ status: 'ArchivePending' }), false), null)
    assert.equal(disabledReason('cleanup', sampleDeployment({ status: 'CleanupFailed' }), true), null)
    assert.equal(disabledReason('delete', sampleDeployment(), true), null)
  })
})

describe('times', () => {
  it('are told as people say them', () => {
    assert.deepEqual([7_000, 750_000, 3_723_000].map(formatElapsed), ['0:07', '12:30', '1:02:03'])
    assert.deepEqual([420, 12_000, 185_000, 7_800_000].map(formatDuration), [
      '0.4 s',
      '12 s',
      '3 min 5 s',
      '2 h 10 min',
    ])
    const now = Date.parse('2026-01-10T12:00:00Z')
    const hour = 3_600_000
    assert.deepEqual(
      [0, hour / 15, 3 * hour, 30 * hour, 72 * hour].map((age) => formatRelative(now - age, now)),
      ['just now', '4 min ago', '3 h ago', 'yesterday', '3 days ago'],
    )
  })
})
