import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { standardView, type View } from '../../web/pages/list-view.ts'
import { openListing } from '../../web/pages/listing.ts'
import { createStore } from '../../web/store.ts'
import { sample } from './samples.ts'

const infos = [
  sample({ name: 'shop', app: { 'image.tag': 'v2' }, created: '2026-01-01', changed: '2026-01-05' }),
  sample({ name: 'blog', created: '2026-01-02', changed: '2026-01-04' }),
  sample({ name: 'old', status: 'Archived', created: '2026-01-03', changed: '2026-01-03' }),
]

function room(view: Partial<View> = {}, all = infos) {
  const store = createStore()
  store.merge(all)
  const turns: (() => void)[] = []
  /** Whoever pauses waits here. */
  const pause = () => new Promise<void>((resolve) => turns.push(resolve))
  const listing = openListing(store, { ...standardView, ...view }, pause)
  const change = (wanted: Parameters<typeof sample>[0] & { name: string }) => {
    const deployment = sample({ revision: 2, ...wanted })
    store.apply({ type: 'deployment', name: wanted.name, revision: deployment.revision, deployment })
  }
  const finish = async () => {
    for (;;) {
      await new Promise((resolve) => setImmediate(resolve))
      const turn = turns.shift()
      if (turn === undefined) return
      turn()
    }
  }
  return {
    store,
    listing,
    change,
    turns,
    finish,
    names: () => listing.listed.value.items.map(({ name }) => name),
    look: (wanted: Partial<View>) => listing.look({ ...standardView, ...view, ...wanted }),
  }
}

describe('the listing', () => {
  it('shows the last change first and keeps archived ones behind their switch', () => {
    const { names, look, listing } = room()
    assert.deepEqual(names(), ['shop', 'blog'])
    assert.equal(listing.listed.value.hidden, 1)
    look({ archived: true })
    assert.deepEqual(names(), ['shop', 'blog', 'old'])
    look({ sort: 'name', descending: false })
    assert.deepEqual(names(), ['blog', 'shop'])
    look({ sort: 'created' })
    assert.deepEqual(names(), ['blog', 'shop'])
  })

  it('moves the one row that changed, and lets rows come and go', () => {
    const { names, change, store, listing } = room()
    change({ name: 'blog', changed: '2026-01-06' })
    assert.deepEqual(names(), ['blog', 'shop'])
    change({ name: 'news', changed: '2026-01-07' })
    change({ name: 'old', changed: '2026-01-01', status: 'Running' })
    assert.deepEqual(names(), ['news', 'blog', 'shop', 'old'])
    change({ name: 'shop', revision: 3, status: 'Archived' })
    store.apply({ type: 'deleted', name: 'news', revision: 9 })
    assert.deepEqual(names(), ['blog', 'old'])
    assert.deepEqual(
      { ...listing.listed.value, items: [], words: [] },
      { items: [], words: [], total: 3, putAway: 1, hidden: 1 },
    )
  })

  it('stays in order whatever changes, as if it were sorted anew each time', () => {
    const { names, change, store } = room({ archived: true }, [])
    for (let round = 1; round < 300; round += 1) {
      const name = `d${(round * 7) % 23}`
      const status = round % 3 === 0 ? 'Archived' : 'Running'
      if (round % 11 === 0) store.apply({ type: 'deleted', name, revision: round })
      else change({ name, revision: round, status, changed: `2026-01-${10 + ((round * 5) % 17)}` })
      const anew = openListing(store, { ...standardView, archived: true })
      assert.deepEqual(
        names(),
        anew.listed.value.items.map((item) => item.name),
      )
      anew.close()
    }
  })

  it('finds archived ones without showing them, and counts them', async () => {
    const { names, look, listing, finish } = room()
    look({ query: 'old' })
    await finish()
    assert.deepEqual(names(), [])
    assert.equal(listing.listed.value.hidden, 1)
  })

  it('shows a search when it is whole, with what changed meanwhile, and forgets one that was typed over', async () => {
    const many = Array.from({ length: 2000 }, (_, at) =>
      sample({
        name: `d${at}`,
        app: Object.fromEntries(Array.from({ length: 30 }, (_, key) => [`key.${key}.of`, `value ${at}`])),
      }),
    )
    const { names, look, turns, change, finish, listing } = room({}, many)
    look({ query: 'velue' })
    look({ query: 'd1999' })
    assert.ok(turns.length >= 2, 'it pauses')
    assert.equal(names().length, 2000)
    change({ name: 'd3', app: { note: 'd1999' } })
    assert.equal(names().length, 2000)
    await finish()
    assert.deepEqual(names(), ['d1999', 'd3'])
    const { words } = listing.listed.value
    change({ name: 'd5', app: { note: 'd1999' } })
    assert.deepEqual(new Set(names()), new Set(['d1999', 'd3', 'd5']))
    assert.equal(listing.listed.value.words, words)
  })
})
