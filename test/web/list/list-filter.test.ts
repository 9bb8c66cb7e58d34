import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { FullInfo } from '../../../domain/schemas.ts'
import {
  activeFilters,
  compareBy,
  createFilter,
  defaultView,
  formatView,
  type ListView,
  matchesStatus,
  parseView,
  type StatusFilter,
  toggleSort,
  withoutFilters,
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
      owner: 'Maria & Söhne',
      label: 'team in (shop,search),!old',
      age: 'not-7d',
      sort: 'name',
      descending: true,
    }
    assert.deepEqual(parseView(formatView(view)), view)
    assert.equal(formatView(defaultView), '')
    assert.deepEqual(parseView('?sort=evil&status=evil&age=constructor'), defaultView)
    assert.equal(activeFilters(view), 4)
    assert.deepEqual(withoutFilters(view), { ...defaultView, archived: true, sort: 'name', descending: true })
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
        sampleDeployment({ name: 'stopped', action: { action: 'UpdateAction', state: 'cancelled' } }),
        sampleDeployment({ name: 'old', status: 'Archived' }),
      ]
        .filter((info) => matchesStatus(filter, info))
        .map(({ deployment }) => deployment.name)
    assert.deepEqual(found('attention'), ['failing', 'doubtful', 'stopped'])
    assert.deepEqual(found('failed'), ['doubtful'])
    assert.deepEqual(found('progress'), ['busy'])
    assert.deepEqual(found('running'), ['well'])
    assert.equal(found('any').length, 6)
  })

  it('Filters by owner, label and age must all hold, and an invalid selector filters nothing', () => {
    const maria = { issuer: 'https://id.example', subject: 'maria', name: 'Maria' }
    const jonas = { issuer: 'https://id.example', subject: 'jonas', name: 'Jonas' }
    const all = [
      {
        ...sampleDeployment({ name: 'a', changed: '2026-01-10T10:00:00Z' }),
        owner: maria,
        labels: { team: 'shop' },
      },
      {
        ...sampleDeployment({ name: 'b', changed: '2026-01-10T11:30:00Z' }),
        owner: jonas,
        labels: { team: 'shop' },
      },
      {
        ...sampleDeployment({ name: 'c', changed: '2026-01-01T10:00:00Z' }),
        owner: null,
        labels: { team: '' },
      },
      // A server of an older version gives neither.
      sampleDeployment({ name: 'd', changed: '2025-11-01T10:00:00Z' }),
    ]
    const nowMs = Date.parse('2026-01-10T12:00:00Z')
    const isMine = (info: FullInfo) => info.owner?.subject === 'jonas'
    const found = (view: Partial<ListView>) =>
      all
        .filter(createFilter({ ...defaultView, ...view }, { isMine, nowMs }))
        .map(({ deployment }) => deployment.name)
        .join('')
    assert.equal(found({}), 'abcd')
    assert.equal(found({ owner: '@me' }), 'b')
    assert.equal(found({ owner: '@nobody' }), 'cd')
    assert.equal(found({ owner: 'Maria' }), 'a')
    assert.equal(found({ label: 'team=shop' }), 'ab')
    assert.equal(found({ label: 'team=' }), 'c')
    assert.equal(found({ label: '!team' }), 'd')
    assert.equal(found({ label: '((' }), 'abcd')
    assert.equal(found({ age: 'in-1h' }), 'b')
    assert.equal(found({ age: 'not-7d' }), 'cd')
    assert.equal(found({ age: 'not-30d' }), 'd')
    assert.equal(found({ age: 'in-1d', owner: 'Maria', label: 'team' }), 'a')
    assert.equal(found({ age: 'in-1h', owner: 'Maria' }), '')
  })

  it('Names are in natural order: feat-2 before feat-10', () => {
    const names = ['feat-10', 'feat-2', 'Feat-3', 'fix-1', 'feat-1', 'feat-02']
    const items = names.map((name) => ({ name, score: 1, info: sampleDeployment({ name }) }))
    const sorted = (descending: boolean) =>
      [...items]
        .sort(compareBy({ ...defaultView, sort: 'name', descending }))
        .map(({ name }) => name)
        .join(' ')
    assert.equal(sorted(false), 'feat-1 feat-02 feat-2 Feat-3 feat-10 fix-1')
    assert.equal(sorted(true), 'fix-1 feat-10 Feat-3 feat-02 feat-2 feat-1')
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
