import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { disabledReason } from '../../../web/deployment/available-actions.ts'
import { sampleDeployment } from '../../helpers/browser/sample-deployment.ts'

const mayAll = { refusal: () => null }
const mayNothing = { refusal: () => 'This needs the role admin: ask an admin.' }

describe('available actions', () => {
  it('A disabled action has a reason: a missing right, a running action or an unsuitable status', () => {
    const busy = sampleDeployment({ action: { action: 'UpdateAction', state: 'running' } })
    assert.match(disabledReason('archive', busy, mayAll) ?? '', /Wait until updating has ended/)
    assert.match(disabledReason('archive', busy, mayNothing) ?? '', /needs the role admin/)
    assert.match(disabledReason('cleanup', sampleDeployment(), mayAll) ?? '', /Archive it first/)
    assert.match(disabledReason('restore', sampleDeployment(), mayAll) ?? '', /Only an archived deployment/)
  })

  it('While another action or its health check is under way, an update and an archive may wait', () => {
    const pending = sampleDeployment({ status: 'CreatePending' })
    assert.equal(disabledReason('update', pending, mayAll), null)
    assert.equal(disabledReason('archive', pending, mayAll), null)
    assert.match(disabledReason('cleanup', pending, mayAll) ?? '', /Archive it first/)
  })

  it('An action that the rights and the status allow is enabled', () => {
    assert.equal(disabledReason('update', sampleDeployment({ status: 'GenericFailure' }), mayAll), null)
    assert.equal(disabledReason('archive', sampleDeployment({ status: 'ArchivePending' }), mayAll), null)
    assert.equal(disabledReason('cleanup', sampleDeployment({ status: 'CleanupFailed' }), mayAll), null)
    assert.equal(disabledReason('delete', sampleDeployment(), mayAll), null)
  })

  it('The decision is about the name and the owner', () => {
    const targets: unknown[] = []
    const owner = { issuer: 'https://id.example', subject: 'anna', name: 'Anna' }
    const info = { ...sampleDeployment({ name: 'shop' }), owner }
    const refusal = (...asked: unknown[]) => {
      targets.push(asked)
      return null
    }
    disabledReason('update', info, { refusal })
    assert.deepEqual(targets, [['update', { name: 'shop', owner }]])
  })
})
