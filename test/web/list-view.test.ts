import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { parseView, pick, printView, sortBy, standardView, type View } from '../../web/pages/list-view.ts'
import { marks } from '../../web/search.ts'
import { sample } from './samples.ts'

const all = [
  sample({ name: 'shop', app: { 'image.tag': 'v2' }, created: '2026-01-01', changed: '2026-01-05' }),
  sample({ name: 'blog', created: '2026-01-02', changed: '2026-01-04' }),
  sample({ name: 'old', status: 'Archived', created: '2026-01-03', changed: '2026-01-03' }),
]
const names = (view: Partial<View>) =>
  pick(all, { ...standardView, ...view }).shown.map(({ deployment }) => deployment.name)

describe('the list', () => {
  it('shows the last change first and keeps archived ones behind their switch', () => {
    assert.deepEqual(names({}), ['shop', 'blog'])
    assert.deepEqual(names({ archived: true }), ['shop', 'blog', 'old'])
    assert.deepEqual(names({ sort: 'name', descending: false }), ['blog', 'shop'])
    assert.deepEqual(names({ sort: 'created', descending: true }), ['blog', 'shop'])
  })

  it('finds every word in names, config keys and values, whatever the letters’ size', () => {
    assert.deepEqual(names({ query: 'IMAGE sh' }), ['shop'])
    assert.deepEqual(names({ query: 'tag=v2' }), ['shop'])
    assert.deepEqual(names({ query: 'shop blog' }), [])
  })

  it('turns the order round on a second click, and begins as people expect it', () => {
    const byName = sortBy(standardView, 'name')
    assert.equal(byName.descending, false)
    assert.equal(sortBy(byName, 'name').descending, true)
  })

  it('keeps what is looked at in the address, and understands only what makes sense there', () => {
    const view: View = { query: 'a b', archived: true, sort: 'name', descending: true }
    assert.deepEqual(parseView(printView(view)), view)
    assert.equal(printView(standardView), '')
    assert.deepEqual(parseView('?sort=evil'), standardView)
  })

  it('marks what was found, also where the word looks like a pattern', () => {
    assert.deepEqual(marks('image.tag=v2', ['tag', '.']), [
      { text: 'image', hit: false },
      { text: '.', hit: true },
      { text: 'tag', hit: true },
      { text: '=v2', hit: false },
    ])
  })
})
