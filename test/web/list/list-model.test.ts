import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { defaultView, type ListView } from '../../../web/list/list-filter.ts'
import { createListModel } from '../../../web/list/list-model.ts'
import { createDeploymentStore } from '../../../web/live/deployment-store.ts'
import { sampleDeployment } from '../../helpers/browser/sample-deployment.ts'

const sampleDeployments = [
  sampleDeployment({
    name: 'shop',
    app: { 'image.tag': 'v2' },
    created: '2026-01-01',
    changed: '2026-01-05',
  }),
  sampleDeployment({ name: 'blog', created: '2026-01-02', changed: '2026-01-04' }),
  sampleDeployment({ name: 'old', status: 'Archived', created: '2026-01-03', changed: '2026-01-03' }),
]

function createModel(view: Partial<ListView> = {}, all = sampleDeployments) {
  const store = createDeploymentStore()
  store.upsertMany(all, store.snapshotToken())
  const pendingPauses: (() => void)[] = []
  /** Each pause waits until the test continues it. */
  const pause = () => new Promise<void>((resolve) => pendingPauses.push(resolve))
  /** Deployments whose rows keep their places. */
  const heldNames = new Set<string>()
  const model = createListModel(
    store,
    { ...defaultView, ...view },
    { pause, isHeld: (name) => heldNames.has(name) },
  )
  const change = (options: Parameters<typeof sampleDeployment>[0] & { name: string }) => {
    const deployment = sampleDeployment({ revision: 2, ...options })
    store.apply({ type: 'deployment', name: options.name, revision: deployment.revision, deployment })
  }
  const runAllPauses = async () => {
    for (;;) {
      await new Promise((resolve) => setImmediate(resolve))
      const resume = pendingPauses.shift()
      if (resume === undefined) return
      resume()
    }
  }
  return {
    store,
    model,
    change,
    heldNames,
    pendingPauses,
    runAllPauses,
    names: () => model.state.value.items.map(({ name }) => name),
    setView: (options: Partial<ListView>) => model.setView({ ...defaultView, ...view, ...options }),
  }
}

describe('the list model', () => {
  it('The last change is first, and archived deployments are hidden by default', () => {
    const { names, setView, model } = createModel()
    assert.deepEqual(names(), ['shop', 'blog'])
    assert.equal(model.state.value.hiddenMatches, 1)
    setView({ archived: true })
    assert.deepEqual(names(), ['shop', 'blog', 'old'])
    setView({ sort: 'name', descending: false })
    assert.deepEqual(names(), ['blog', 'shop'])
    setView({ sort: 'created' })
    assert.deepEqual(names(), ['blog', 'shop'])
  })

  it('A change moves one row, and rows are added and removed', () => {
    const { names, change, store, model } = createModel()
    change({ name: 'blog', changed: '2026-01-06' })
    assert.deepEqual(names(), ['blog', 'shop'])
    change({ name: 'news', changed: '2026-01-07' })
    change({ name: 'old', changed: '2026-01-01', status: 'Running' })
    assert.deepEqual(names(), ['news', 'blog', 'shop', 'old'])
    change({ name: 'shop', revision: 3, status: 'Archived' })
    store.apply({ type: 'deleted', name: 'news', revision: 9 })
    assert.deepEqual(names(), ['blog', 'old'])
    const { total, archived, hiddenMatches, held } = model.state.value
    assert.deepEqual([total, archived, hiddenMatches, held], [3, 1, 1, 0])
  })

  it('Incremental updates give the same order as a full sort', () => {
    const { names, change, store } = createModel({ archived: true }, [])
    for (let round = 1; round < 300; round += 1) {
      const name = `d${(round * 7) % 23}`
      const status = round % 3 === 0 ? 'Archived' : 'Running'
      if (round % 11 === 0) store.apply({ type: 'deleted', name, revision: round })
      else change({ name, revision: round, status, changed: `2026-01-${10 + ((round * 5) % 17)}` })
      const rebuilt = createListModel(store, { ...defaultView, archived: true })
      assert.deepEqual(
        names(),
        rebuilt.state.value.items.map((item) => item.name),
      )
      rebuilt.close()
    }
  })

  it('Deployments that need attention are counted, whatever the view shows', async () => {
    const { change, model, setView, names, runAllPauses } = createModel()
    change({ name: 'shop', status: 'GenericFailure' })
    change({ name: 'blog', action: { action: 'UpdateAction', state: 'failed', exit_code: 1 } })
    assert.equal(model.state.value.attention, 2)
    setView({ query: 'shop', status: 'running' })
    await runAllPauses()
    assert.deepEqual(names(), [])
    assert.deepEqual([model.state.value.attention, model.state.value.filtered], [2, true])
    setView({ status: 'attention' })
    assert.deepEqual(names(), ['blog', 'shop'])
  })

  it('Held changes are shown in their rows, counted, and sorted on demand', () => {
    const { names, change, store, model, heldNames } = createModel()
    for (const name of ['shop', 'blog', 'news', 'old']) heldNames.add(name)
    change({ name: 'shop', changed: '2026-01-06' })
    assert.equal(model.state.value.held, 0, 'the first row stays the first one')
    change({ name: 'blog', changed: '2026-01-07', status: 'GenericFailure' })
    change({ name: 'news', changed: '2026-01-08' })
    change({ name: 'old', changed: '2026-01-09', status: 'Running' })
    assert.deepEqual(names(), ['shop', 'blog'])
    assert.equal(model.state.value.items[1]?.info.status.recorded_status.tag, 'Failure')
    store.apply({ type: 'deleted', name: 'shop', revision: 9 })
    assert.deepEqual(names(), ['shop', 'blog'])
    assert.equal(model.state.value.items[0]?.deleted, true)
    assert.equal(model.state.value.held, 4)
    model.showHeld()
    assert.deepEqual(names(), ['old', 'news', 'blog'])
    assert.equal(model.state.value.held, 0)
  })

  it('A change of the user sorts the list, with all held changes', () => {
    const { names, change, heldNames } = createModel()
    heldNames.add('news')
    change({ name: 'news', changed: '2026-01-08' })
    assert.deepEqual(names(), ['shop', 'blog'])
    change({ name: 'blog', changed: '2026-01-07' })
    assert.deepEqual(names(), ['news', 'blog', 'shop'])
  })

  it('Every choice of a filter has its count, which follows changes, also held ones', async () => {
    const { change, model, setView, heldNames, store, runAllPauses } = createModel()
    const owner = { issuer: 'https://id.example', subject: 'maria', name: 'Maria' }
    const update = (name: string, revision: number, labels: Record<string, string>) => {
      const deployment = { ...sampleDeployment({ name, revision }), owner, labels }
      store.apply({ type: 'deployment', name, revision, deployment })
    }
    update('shop', 2, { team: 'shop', env: 'qa' })
    heldNames.add('blog')
    update('blog', 2, { team: 'shop' })
    const counts = () => {
      const { statuses, owners, labels, withoutOwner } = model.state.value.facets
      return [statuses.get('running'), owners.get('Maria'), labels.get('team=shop'), withoutOwner]
    }
    assert.deepEqual(counts(), [2, 2, 2, 0])
    assert.equal(model.state.value.facets.labels.get('env=qa'), 1)
    update('shop', 3, { env: 'prod' })
    assert.deepEqual([...model.state.value.facets.labels].sort(), [
      ['env=prod', 1],
      ['team=shop', 1],
    ])
    change({ name: 'blog', revision: 4, status: 'Archived' })
    assert.deepEqual(counts(), [1, 1, undefined, 0])
    setView({ archived: true })
    await runAllPauses()
    assert.deepEqual(counts(), [1, 1, undefined, 2])
    store.apply({ type: 'deleted', name: 'shop', revision: 9 })
    assert.deepEqual(counts(), [undefined, undefined, undefined, 2])
  })

  it('Rows with the same time and rows by name are in an order that incremental changes keep', () => {
    const { names, change, setView } = createModel({}, [])
    setView({ sort: 'name', descending: false })
    for (const name of ['feat-10', 'feat-2', 'feat-02', 'Feat-2', 'feat-1'])
      change({ name, changed: '2026-01-05' })
    const before = names()
    assert.deepEqual(before, ['feat-1', ...before.slice(1, 4), 'feat-10'])
    change({ name: 'feat-2', revision: 3, changed: '2026-01-06' })
    assert.deepEqual(names(), before)
  })

  it('Hidden archived matches are counted', async () => {
    const { names, setView, model, runAllPauses } = createModel()
    setView({ query: 'old' })
    await runAllPauses()
    assert.deepEqual(names(), [])
    assert.equal(model.state.value.hiddenMatches, 1)
  })

  it('A search is published when complete, includes later changes, and replaces an older one', async () => {
    const many = Array.from({ length: 2000 }, (_, at) =>
      sampleDeployment({
        name: `d${at}`,
        app: Object.fromEntries(Array.from({ length: 30 }, (_, key) => [`key.${key}.of`, `value ${at}`])),
      }),
    )
    const { names, setView, pendingPauses, change, runAllPauses, model } = createModel({}, many)
    setView({ query: 'velue' })
    setView({ query: 'd1999' })
    assert.ok(pendingPauses.length >= 2, 'it pauses')
    assert.equal(names().length, 2000)
    change({ name: 'd3', app: { note: 'd1999' } })
    assert.equal(names().length, 2000)
    await runAllPauses()
    assert.deepEqual(names(), ['d1999', 'd3'])
    const { terms } = model.state.value
    change({ name: 'd5', app: { note: 'd1999' } })
    assert.deepEqual(new Set(names()), new Set(['d1999', 'd3', 'd5']))
    assert.equal(model.state.value.terms, terms)
  })
})
