/** Which deployments are selected in the list. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createSelection } from '../../../../web/list/selection/selection.ts'
import { createDeploymentStore } from '../../../../web/live/deployment-store.ts'
import { sampleDeployment } from '../../../helpers/browser/sample-deployment.ts'

const order = ['a1', 'b1', 'c1', 'd1', 'e1']

function start() {
  const store = createDeploymentStore()
  store.upsertMany(
    order.map((name) => sampleDeployment({ name })),
    store.snapshotToken(),
  )
  const selection = createSelection(store)
  return { store, selection, selected: () => [...selection.names.value].sort().join(' ') }
}

describe('the selection of the list', () => {
  it('A range begins at the last toggled row, and another range from there replaces it', () => {
    const { selection, selected } = start()
    selection.toggle('e1')
    selection.toggle('b1')
    selection.extend(order, 'd1')
    assert.equal(selected(), 'b1 c1 d1 e1')
    selection.extend(order, 'a1')
    assert.equal(selected(), 'a1 b1 e1')
    selection.extend(order, 'b1')
    assert.equal(selected(), 'b1 e1')
  })

  it('A range from a row that was deselected deselects', () => {
    const { selection, selected } = start()
    selection.selectAll(order)
    selection.toggle('b1')
    selection.extend(order, 'd1')
    assert.equal(selected(), 'a1 e1')
  })

  it('A range from a row that is not shown any more is that row alone', () => {
    const { selection, selected } = start()
    selection.toggle('a1')
    selection.extend(['c1', 'd1'], 'd1')
    assert.equal(selected(), 'a1 d1')
  })

  it('What is deleted is dropped, also from the next range, and nothing unknown is selected', () => {
    const { store, selection, selected } = start()
    selection.selectAll(['a1', 'b1', 'unknown'])
    selection.toggle('d1')
    store.apply({ type: 'deleted', name: 'a1', revision: 2 })
    assert.equal(selected(), 'b1 d1')
    selection.extend(order, 'e1')
    assert.equal(selected(), 'b1 d1 e1')
    selection.remove(['b1'])
    assert.equal(selected(), 'd1 e1')
    selection.clear()
    assert.equal(selected(), '')
  })
})
