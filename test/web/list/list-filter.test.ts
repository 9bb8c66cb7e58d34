import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  compareBy,
  defaultView,
  formatView,
  type ListView,
  matchesStatus,
  parseView,
  type StatusFilter,
  toggleSort,
} from '../../../web/list/list-filter.ts'
import { sampleDeployment } from '../../helpers/browser/sample-deployment.ts'

describe('the list view', () => {
  it('A second click reverses the order, and the first one uses the usual direction', () => {
    const byName = toggleSort(defaultView, 'name')
    assert.equal(byName.descending, false)
    assert.equal(toggleSort(byName, 'name').descending, true)
    assert.equal(toggleSort(byName, 'created').descending, true)
  })

  it('The view is stored in the URL, and invalid values are ignored', () => {
    const view: ListView = {
      query: 'a b',
      archived: true,
      status: 'attention',
      sort: 'name',
      descending: true,
    }
    assert.deepEqual(parseView(formatView(view)), view)
    assert.equal(formatView(defaultView), '')
    assert.deepEqual(parseView('?sort=evil&status=evil'), defaultView)
  })

  it('The status filter finds failing deployments, running actions and healthy deployments', () => {
    const found = (filter: StatusFilter) =>
      [
        sampleDeployment({ name: 'well' }),
        sampleDeployment({ name: 'failing', status: 'GenericFailure' }),
        sampleDeployment({
          name: 'doubtful',
          action: { action: 'UpdateAction', state: 'failed', exit_code: 1 },
        }),
        sampleDeployment({ name: 'busy', action: { action: 'UpdateAction', state: 'running' } }),
        sampleDeployment({ name: 'old', status: 'Archived' }),
      ]
        .filter((info) => matchesStatus(filter, info))
        .map(({ deployment }) => deployment.name)
    assert.deepEqual(found('attention'), ['failing', 'doubtful'])
    assert.deepEqual(found('progress'), ['busy'])
    assert.deepEqual(found('running'), ['well'])
    assert.equal(found('any').length, 5)
  })

  it('The best match is first, then the sort key, then the name', () => {
    const item = (name: string, score: number, changed: string) => ({
      name,
      score,
      info: sampleDeployment({ name, changed }),
    })
    const items = [
      item('c', 1, '2026-01-02'),
      item('b', 1, '2026-01-02'),
      item('a', 2, '2026-01-01'),
      item('d', 1, '2026-01-03'),
    ]
    const names = items.sort(compareBy(defaultView)).map(({ name }) => name)
    assert.deepEqual(names, ['a', 'd', 'b', 'c'])
  })
})
