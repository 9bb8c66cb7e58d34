import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { inOrder, parseView, printView, sortBy, standardView, type View } from '../../web/pages/list-view.ts'
import { sample } from './samples.ts'

describe('the view of the list', () => {
  it('turns the order round on a second click, and begins as people expect it', () => {
    const byName = sortBy(standardView, 'name')
    assert.equal(byName.descending, false)
    assert.equal(sortBy(byName, 'name').descending, true)
    assert.equal(sortBy(byName, 'created').descending, true)
  })

  it('is kept in the address, where only what makes sense is understood', () => {
    const view: View = { query: 'a b', archived: true, sort: 'name', descending: true }
    assert.deepEqual(parseView(printView(view)), view)
    assert.equal(printView(standardView), '')
    assert.deepEqual(parseView('?sort=evil'), standardView)
  })

  it('puts the best match first, then goes by its key, then by name', () => {
    const item = (name: string, quality: number, changed: string) => ({
      name,
      quality,
      info: sample({ name, changed }),
    })
    const items = [
      item('c', 1, '2026-01-02'),
      item('b', 1, '2026-01-02'),
      item('a', 2, '2026-01-01'),
      item('d', 1, '2026-01-03'),
    ]
    const names = items.sort(inOrder(standardView)).map(({ name }) => name)
    assert.deepEqual(names, ['a', 'd', 'b', 'c'])
  })
})
