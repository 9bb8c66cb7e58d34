import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { disabledReason } from '../../../web/deployment/available-actions.ts'
import { sampleDeployment } from '../../helpers/browser/sample-deployment.ts'

describe('available actions', () => {
  it('A disabled action has a reason: a running action, a missing role or an unsuitable status', () => {
    const busy = sampleDeployment({ action: { action: 'UpdateAction', state: 'running' } })
    assert.match(disabledReason('archive', busy, false) ?? '', /Wait until updating has ended/)
    assert.match(
      disabledReason('cleanup', sampleDeployment({ status: 'Archived' }), false) ?? '',
      /Only admins can do this/,
    )
    assert.match(disabledReason('cleanup', sampleDeployment(), true) ?? '', /Archive it first/)
    assert.match(disabledReason('restore', sampleDeployment(), false) ?? '', /Only an archived deployment/)
    assert.match(
      disabledReason('update', sampleDeployment({ status: 'CreatePending' }), false) ?? '',
      /Wait for the health check first/,
    )
  })

  it('An action that the status allows is enabled', () => {
    assert.equal(disabledReason('update', sampleDeployment({ status: 'GenericFailure' }), false), null)
    assert.equal(disabledReason('archive', sampleDeployment({ status: 'ArchivePending' }), false), null)
    assert.equal(disabledReason('cleanup', sampleDeployment({ status: 'CleanupFailed' }), true), null)
    assert.equal(disabledReason('delete', sampleDeployment(), true), null)
  })
})
