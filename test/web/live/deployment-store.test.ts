import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { ChangeEvent } from '../../../domain/event.ts'
import type { FullInfo } from '../../../domain/schemas.ts'
import { createDeploymentStore } from '../../../web/live/deployment-store.ts'
import { sampleDeployment } from '../../helpers/browser/sample-deployment.ts'

const changed = (name: string, revision: number, created?: string): ChangeEvent => ({
  type: 'deployment',
  name,
  revision,
  deployment: sampleDeployment({ name, revision, ...(created && { created }) }),
})

describe('the deployment store of the page', () => {
  it('A row keeps its signal, and only real changes are counted', () => {
    const store = createDeploymentStore()
    store.apply(changed('shop', 1))
    const row = store.rows.get('shop')
    const before = store.version.value
    store.apply(changed('shop', 2))
    store.apply(changed('shop', 2))
    assert.equal(store.rows.get('shop'), row)
    assert.equal(store.version.value, before + 1)
  })

  it('Changes that come soon after one are drawn together', (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] })
    const store = createDeploymentStore(60_000)
    const draws: string[][] = []
    store.onChange((names) => draws.push([...names]))
    store.apply(changed('a', 1))
    for (let revision = 1; revision <= 50; revision += 1) {
      store.apply(changed('b', revision))
      store.apply(changed('c', revision))
    }
    assert.deepEqual(draws, [['a']])
    t.mock.timers.tick(60_000)
    assert.deepEqual(draws, [['a'], ['b', 'c']])
    assert.equal(store.rows.get('c')?.value.revision, 50)
    store.apply(changed('b', 51))
    store.upsertMany([sampleDeployment({ name: 'd' })], store.snapshotToken())
    assert.deepEqual(draws.at(-1), ['b', 'd'])
    t.mock.timers.tick(60_000)
    assert.equal(draws.length, 3)
  })

  it('Listeners get the names of changed rows, and nothing without a change', () => {
    const store = createDeploymentStore()
    const changes: string[][] = []
    const stop = store.onChange((names) => changes.push([...names]))
    const list = (...rows: FullInfo[]) => store.upsertMany(rows, store.snapshotToken())
    list(sampleDeployment({ name: 'a' }), sampleDeployment({ name: 'b' }))
    list(sampleDeployment({ name: 'a' }), sampleDeployment({ name: 'b', revision: 2 }))
    store.apply(changed('b', 1))
    store.removeMissing(new Set(['b']), store.snapshotToken())
    stop()
    store.apply(changed('c', 1))
    assert.deepEqual(changes, [['a', 'b'], ['b'], ['a']])
  })
})
