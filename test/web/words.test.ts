import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { whyNot } from '../../web/moves.ts'
import { ago, describeStatus, elapsed, reasonOf, took } from '../../web/words.ts'
import { sample } from './samples.ts'

describe('the words of a status', () => {
  it('say what runs now before anything else', () => {
    const info = sample({ status: 'Archived', action: { action: 'CleanupAction', state: 'running' } })
    assert.deepEqual(describeStatus(info), { word: 'Cleaning up', look: 'busy' })
  })

  it('tell a restore from a create', () => {
    const info = sample({ status: 'CreatePending', action: { action: 'RestoreAction' } })
    assert.equal(describeStatus(info).word, 'Restoring')
    assert.equal(reasonOf(info), 'until the check says it is up')
  })

  it('give the reason: the action that failed, else the check', () => {
    const failed = { action: 'UpdateAction', state: 'failed', exit_code: 3 } as const
    assert.equal(reasonOf(sample({ status: 'GenericFailure', action: failed })), 'update failed (exit 3)')
    assert.equal(reasonOf(sample({ status: 'TagMismatch' })), 'the check says so')
    assert.equal(reasonOf(sample()), null)
  })
})

describe('what may be done', () => {
  it('is refused with a reason while something runs, to users what is for admins, and what makes no sense', () => {
    const busy = sample({ action: { action: 'UpdateAction', state: 'running' } })
    assert.match(whyNot('archive', busy, false) ?? '', /Wait until updating has ended/)
    assert.match(whyNot('cleanup', sample({ status: 'Archived' }), false) ?? '', /For admins/)
    assert.match(whyNot('cleanup', sample(), true) ?? '', /Archive it first/)
    assert.match(whyNot('restore', sample(), false) ?? '', /Only what is archived/)
    assert.match(
      whyNot('update', sample({ status: 'CreatePending' }), false) ?? '',
      /Not while it is creating/,
    )
  })

  it('is allowed as the moves allow it', () => {
    assert.equal(whyNot('update', sample({ status: 'GenericFailure' }), false), null)
    assert.equal(whyNot('archive', sample({ status: 'ArchivePending' }), false), null)
    assert.equal(whyNot('cleanup', sample({ status: 'CleanupFailed' }), true), null)
    assert.equal(whyNot('delete', sample(), true), null)
  })
})

describe('times', () => {
  it('are told as people say them', () => {
    assert.deepEqual([7_000, 750_000, 3_723_000].map(elapsed), ['0:07', '12:30', '1:02:03'])
    assert.deepEqual([420, 12_000, 185_000, 7_800_000].map(took), [
      '0.4 s',
      '12 s',
      '3 min 5 s',
      '2 h 10 min',
    ])
    const now = Date.parse('2026-01-10T12:00:00Z')
    const hour = 3_600_000
    assert.deepEqual(
      [0, hour / 15, 3 * hour, 30 * hour, 72 * hour].map((age) => ago(now - age, now)),
      ['just now', '4 min ago', '3 h ago', 'yesterday', '3 days ago'],
    )
  })
})
