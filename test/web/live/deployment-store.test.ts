import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import type { ChangeEvent } from '../../../domain/event.ts'
import { createDeploymentStore } from '../../../web/live/deployment-store.ts'
import { sampleDeployment } from '../../helpers/browser/sample-deployment.ts'

const changed = (name: string, revision: number, created?: string): ChangeEvent => ({
  type: 'deployment',
  name,
  revision,
  deployment: sampleDeployment({ name, revision, ...(created && { created }) }),
})
const deleted = (name: string, revision: number): ChangeEvent => ({ type: 'deleted', name, revision })

describe('the store of deployments', () => {
  it('never puts an older revision over a newer one', () => {
    const store = createDeploymentStore()
    store.apply(changed('shop', 7))
    store.apply(changed('shop', 5))
    assert.equal(store.rows.get('shop')?.value.revision, 7)
    store.upsertMany([sampleDeployment({ name: 'shop', revision: 6 })])
    assert.equal(store.rows.get('shop')?.value.revision, 7)
  })

  it('keeps the signal of a row while its value changes, and counts only real changes', () => {
    const store = createDeploymentStore()
    store.apply(changed('shop', 1))
    const row = store.rows.get('shop')
    const before = store.version.value
    store.apply(changed('shop', 2))
    store.apply(changed('shop', 2))
    assert.equal(store.rows.get('shop'), row)
    assert.equal(store.version.value, before + 1)
  })

  it('does not bring back what was deleted, neither by a late event nor by a late list', () => {
    const store = createDeploymentStore()
    store.apply(changed('shop', 3))
    const mark = store.snapshotToken()
    store.apply(deleted('shop', 4))
    store.apply(changed('shop', 3))
    store.upsertMany([sampleDeployment({ name: 'shop', revision: 3 })])
    store.removeMissing(new Set(['shop']), mark)
    assert.equal(store.rows.size, 0)
  })

  it('does not bring back what a list lacks, whatever comes late about it, unless it is made anew', () => {
    const store = createDeploymentStore()
    store.apply(changed('shop', 3))
    store.removeMissing(new Set(), store.snapshotToken())
    store.apply(changed('shop', 5))
    assert.equal(store.rows.size, 0)
    store.upsertMany([
      sampleDeployment({ name: 'shop', revision: 9, created: '2026-02-01T10:00:00.000000Z' }),
    ])
    assert.equal(store.rows.get('shop')?.value.revision, 9)
  })

  it('shows a deployment made anew under the name of a deleted one, whatever comes late about the old one', () => {
    const store = createDeploymentStore()
    store.apply(changed('shop', 3))
    store.apply(changed('shop', 9))
    store.apply(deleted('shop', 4))
    assert.equal(store.rows.get('shop')?.value.revision, 9)
  })

  it('drops what a list lacks, but not what came by an event after the list was asked for', () => {
    const store = createDeploymentStore()
    store.apply(changed('old', 1))
    const mark = store.snapshotToken()
    store.apply(changed('new', 2))
    store.removeMissing(new Set(), mark)
    assert.deepEqual([...store.rows.keys()], ['new'])
  })

  it('tells by name what has changed, and nothing when nothing has', () => {
    const store = createDeploymentStore()
    const heard: string[][] = []
    const stop = store.onChange((names) => heard.push([...names]))
    store.upsertMany([sampleDeployment({ name: 'a' }), sampleDeployment({ name: 'b' })])
    store.upsertMany([sampleDeployment({ name: 'a' }), sampleDeployment({ name: 'b', revision: 2 })])
    store.apply(changed('b', 1))
    store.removeMissing(new Set(['b']), store.snapshotToken())
    stop()
    store.apply(changed('c', 1))
    assert.deepEqual(heard, [['a', 'b'], ['b'], ['a']])
  })

  it('ends with the newest state of each deployment, in whatever order events arrive', () => {
    const events = [
      changed('a', 1),
      changed('b', 2),
      changed('a', 3),
      deleted('b', 4),
      changed('b', 5, '2026-02-01T10:00:00.000000Z'),
      deleted('a', 6),
    ]
    fc.assert(
      fc.property(fc.shuffledSubarray(events, { minLength: events.length }), (shuffled) => {
        const store = createDeploymentStore()
        for (const event of shuffled) store.apply(event)
        assert.deepEqual(
          [...store.rows].map(([name, row]) => [name, row.value.revision]),
          [['b', 5]],
        )
      }),
    )
  })
})
