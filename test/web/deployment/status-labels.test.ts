import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { statusLabel, statusReason } from '../../../web/deployment/status-labels.ts'
import { sampleDeployment } from '../../helpers/browser/sample-deployment.ts'

describe('status labels', () => {
  it('A running action has priority over the stored status', () => {
    const info = sampleDeployment({
      status: 'Archived',
      action: { action: 'CleanupAction', state: 'running' },
    })
    assert.deepEqual(statusLabel(info), { label: 'Cleaning up', tone: 'progress' })
  })

  it('A pending restore is labelled Restoring, not Creating', () => {
    const info = sampleDeployment({ status: 'CreatePending', action: { action: 'RestoreAction' } })
    assert.equal(statusLabel(info).label, 'Restoring')
    assert.equal(statusReason(info), 'waiting for the health check')
  })

  it('The reason is the failed action, otherwise the health check', () => {
    const failed = { action: 'UpdateAction', state: 'failed', exit_code: 3 } as const
    assert.equal(
      statusReason(sampleDeployment({ status: 'GenericFailure', action: failed })),
      'update failed (exit 3)',
    )
    assert.equal(statusReason(sampleDeployment({ status: 'TagMismatch' })), 'reported by the health check')
    assert.equal(statusReason(sampleDeployment()), null)
  })
})
