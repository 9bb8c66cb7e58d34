import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { createDeploymentStore } from '../../client/deployment-store.ts'
import type { ChangeEvent } from '../../domain/event.ts'
import type { FullInfo } from '../../domain/schemas.ts'
import { sampleDeployment } from '../helpers/browser/sample-deployment.ts'

const changed = (name: string, revision: number, created?: string): ChangeEvent => ({
  type: 'deployment',
  name,
  revision,
  deployment: sampleDeployment({ name, revision, ...(created && { created }) }),
})
const deleted = (name: string, revision: number): ChangeEvent => ({ type: 'deleted', name, revision })

describe('the deployment store', () => {
  it('An older revision never replaces a newer one that arrived after the request', () => {
    const store = createDeploymentStore()
    const token = store.snapshotToken()
    store.apply(changed('shop', 7))
    store.apply(changed('shop', 5))
    assert.equal(store.rows.get('shop')?.revision, 7)
    store.upsertMany([sampleDeployment({ name: 'shop', revision: 6 })], token)
    assert.equal(store.rows.get('shop')?.revision, 7)
  })

  it('A list replaces what was known before its request, after a failover that lost transactions', () => {
    const store = createDeploymentStore()
    store.apply(changed('changed', 7))
    store.apply(changed('removed', 8))
    store.apply(deleted('removed', 9))
    store.apply(changed('lost', 10))
    const token = store.snapshotToken()
    const listed = [
      sampleDeployment({ name: 'changed', revision: 6 }),
      sampleDeployment({ name: 'removed', revision: 8 }),
    ]
    store.upsertMany(listed, token)
    store.removeMissing(new Set(['changed', 'removed']), token)
    assert.deepEqual(
      [...store.rows].map(([name, row]) => [name, row.revision]),
      [
        ['changed', 6],
        ['removed', 8],
      ],
    )
    store.apply(changed('changed', 7))
    assert.equal(store.rows.get('changed')?.revision, 7)
  })

  it('A late event or list does not restore a deleted deployment', () => {
    const store = createDeploymentStore()
    store.apply(changed('shop', 3))
    const mark = store.snapshotToken()
    store.apply(deleted('shop', 4))
    store.apply(changed('shop', 3))
    store.upsertMany([sampleDeployment({ name: 'shop', revision: 3 })], mark)
    store.removeMissing(new Set(['shop']), mark)
    assert.equal(store.rows.size, 0)
  })

  it('A late event does not restore a deployment that a list lacked', () => {
    const store = createDeploymentStore()
    store.apply(changed('shop', 3))
    store.removeMissing(new Set(), store.snapshotToken())
    store.apply(changed('shop', 5))
    assert.equal(store.rows.size, 0)
    store.upsertMany(
      [sampleDeployment({ name: 'shop', revision: 9, created: '2026-02-01T10:00:00.000000Z' })],
      store.snapshotToken(),
    )
    assert.equal(store.rows.get('shop')?.revision, 9)
  })

  it('A new deployment with the name of a deleted one is shown, despite late events of the old one', () => {
    const store = createDeploymentStore()
    store.apply(changed('shop', 3))
    store.apply(changed('shop', 9))
    store.apply(deleted('shop', 4))
    assert.equal(store.rows.get('shop')?.revision, 9)
  })

  it('Rows that a list lacks are removed, except rows changed by a later event', () => {
    const store = createDeploymentStore()
    store.apply(changed('old', 1))
    const mark = store.snapshotToken()
    store.apply(changed('new', 2))
    store.removeMissing(new Set(), mark)
    assert.deepEqual([...store.rows.keys()], ['new'])
  })

  it('The order of events does not change the final state', () => {
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
          [...store.rows].map(([name, row]) => [name, row.revision]),
          [['b', 5]],
        )
      }),
    )
  })

  it('Each call returns what it has changed', () => {
    const store = createDeploymentStore()
    const namesOf = (rows: FullInfo[]) => rows.map(({ deployment }) => deployment.name)
    assert.equal(store.apply(changed('a', 1)), true)
    assert.equal(store.apply(changed('a', 1)), false)
    const list = [sampleDeployment({ name: 'a' }), sampleDeployment({ name: 'b' })]
    assert.deepEqual(namesOf(store.upsertMany(list, store.snapshotToken())), ['b'])
    assert.deepEqual(namesOf(store.removeMissing(new Set(['b']), store.snapshotToken())), ['a'])
    assert.equal(store.apply(deleted('a', 9)), false)
  })
})
