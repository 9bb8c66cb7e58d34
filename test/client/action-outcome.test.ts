/** What page and octo say about the last action of a deployment. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { activeAction, durationMs, lastActionLeftDoubt, lastOutcome } from '../../client/action-outcome.ts'
import type { ActionSummary } from '../../domain/schemas.ts'
import { statusLabel as octoLabel } from '../../octo/output/columns.ts'
import { statusLabel as pageLabel } from '../../web/deployment/status-labels.ts'
import { sampleDeployment } from '../helpers/browser/sample-deployment.ts'

const withAction = (action: Partial<ActionSummary>) => sampleDeployment({ action })

test('Page and octo name the last action of a running deployment in the same words', () => {
  const started = { action: 'UpdateAction', started_at: '2026-01-01T10:00:00.000000Z' } as const
  const expected = {
    succeeded: 'Running',
    failed: 'Running, last update failed',
    timed_out: 'Running, last update timed out',
    interrupted: 'Running, last update interrupted',
    cancelled: 'Running, last update cancelled',
  } as const
  for (const [state, label] of Object.entries(expected)) {
    const info = withAction({ ...started, state: state as ActionSummary['state'] })
    assert.equal(octoLabel(info), label)
    assert.equal(pageLabel(info).label, label)
  }
  const unstarted = withAction({ action: 'UpdateAction', state: 'cancelled', started_at: null })
  assert.equal(lastActionLeftDoubt(unstarted), false)
  assert.equal(octoLabel(unstarted), 'Running')
  assert.equal(pageLabel(unstarted).label, 'Running')
})

test('Only a queued or running action is active, and only one that has ended has a duration', () => {
  assert.equal(activeAction(withAction({ state: 'failed' })), null)
  assert.equal(activeAction(withAction({ action_id: 7, state: 'running' }))?.action_id, 7)
  assert.equal(lastOutcome(sampleDeployment({ action: null })), null)
  const action = withAction({
    started_at: '2026-01-01T10:00:00.000000Z',
    finished_at: '2026-01-01T10:00:02.500000Z',
  }).last_action as ActionSummary
  assert.equal(durationMs(action), 2500)
  assert.equal(durationMs({ ...action, finished_at: null }), null)
})
