/**
 * The shown deployments in order, updated incrementally: one change moves one row. A search runs in time
 * slices, so that typing is never blocked, and is published when complete. Created by list-page.ts; the sort
 * order is in list-filter.ts.
 */
import { type ReadonlySignal, signal } from '@preact/signals'
import type { FullInfo } from '../../domain/schemas.ts'
import { lowerBound } from '../../lib/binary-search.ts'
import { isArchived } from '../deployment/status-labels.ts'
import type { DeploymentSignal, DeploymentStore } from '../live/deployment-store.ts'
import { compareBy, type ListView, type Sortable } from './list-filter.ts'
import { matchScore, parseQuery, type SearchTerm, searchFields } from './search.ts'

/**
 * `height`: as last drawn, in px; 0: never drawn. `expandedLevels`: see override-labels.ts. Both stay with
 * the row.
 */
export type ListItem = Sortable & { row: DeploymentSignal; height: number; expandedLevels: Set<string> }

/** `hiddenMatches`: archived matches that the current view hides. */
export type ListState = {
  items: readonly ListItem[]
  terms: readonly SearchTerm[]
  total: number
  archived: number
  hiddenMatches: number
}

export type ListModel = {
  state: ReadonlySignal<ListState>
  /** Applies a view: immediately without a search, otherwise after all deployments were searched. */
  setView(view: ListView): void
  close(): void
}

/** Time slice of a search, short enough for a frame. */
const sliceMs = 10
/** Above this number of changes a full sort is cheaper than single moves. */
const resortAboveChanges = 200

export function createListModel(
  store: DeploymentStore,
  view: ListView,
  pause: () => Promise<unknown> = nextTask,
): ListModel {
  const items = new Map<string, ListItem>()
  const fieldCache = new WeakMap<FullInfo, string[]>()
  let shown: ListItem[] = []
  let [archived, archivedMatches] = [0, 0]
  let terms: readonly SearchTerm[] = parseQuery(view.query)
  let compare = compareBy(view)
  let searchRun = 0
  /** Names that changed during a search; null when no search runs. */
  let changedDuringSearch: Set<string> | null = null
  const state = signal<ListState>({ items: shown, terms, total: 0, archived, hiddenMatches: 0 })

  const score = (info: FullInfo, searchTerms: readonly SearchTerm[]): number => {
    if (searchTerms.length === 0) return 1
    let cached = fieldCache.get(info)
    if (cached === undefined) {
      cached = searchFields(info)
      fieldCache.set(info, cached)
    }
    return matchScore(searchTerms, cached)
  }
  const isShown = (item: ListItem) => item.score > 0 && (view.archived || !isArchived(item.info))
  const countArchived = (item: ListItem, by: 1 | -1) => {
    if (!isArchived(item.info)) return
    archived += by
    if (item.score > 0) archivedMatches += by
  }
  const publish = () => {
    state.value = {
      items: shown,
      terms,
      total: items.size,
      archived,
      hiddenMatches: view.archived ? 0 : archivedMatches,
    }
  }

  const resort = () => {
    ;[archived, archivedMatches] = [0, 0]
    for (const item of items.values()) countArchived(item, 1)
    shown = [...items.values()].filter(isShown).sort(compare)
    publish()
  }

  const search = async () => {
    searchRun += 1
    const thisRun = searchRun
    const searchTerms = parseQuery(view.query)
    const names = changedDuringSearch ?? new Set()
    changedDuringSearch = names
    let sliceEnd = performance.now() + sliceMs
    const scores = new Map<ListItem, number>()
    for (const item of [...items.values()]) {
      scores.set(item, score(item.info, searchTerms))
      if (searchTerms.length === 0 || performance.now() < sliceEnd) continue
      await pause()
      if (thisRun !== searchRun) return
      sliceEnd = performance.now() + sliceMs
    }
    for (const [item, newScore] of scores) item.score = newScore
    // Equal terms keep their object identity, so that rows are not redrawn.
    if (searchTerms.join() !== terms.join()) terms = searchTerms
    compare = compareBy(view)
    changedDuringSearch = null
    for (const name of names) refreshItem(name)
    resort()
  }

  /** Updates one item without sorting. */
  const refreshItem = (name: string, searchTerms = terms): ListItem | undefined => {
    const row = store.rows.get(name)
    if (row === undefined) {
      items.delete(name)
      return undefined
    }
    const info = row.peek()
    const item = items.get(name) ?? {
      name,
      row,
      info,
      score: 0,
      height: 0,
      expandedLevels: new Set<string>(),
    }
    item.row = row
    item.info = info
    item.score = score(info, searchTerms)
    items.set(name, item)
    return item
  }

  const moveItem = (name: string) => {
    const before = items.get(name)
    if (before !== undefined) {
      countArchived(before, -1)
      if (isShown(before)) shown.splice(indexOfItem(shown, before, compare), 1)
    }
    const item = refreshItem(name)
    if (item === undefined) return
    countArchived(item, 1)
    if (isShown(item)) shown.splice(indexOfItem(shown, item, compare), 0, item)
  }

  const onChange = (names: ReadonlySet<string>) => {
    if (changedDuringSearch !== null) {
      for (const name of names) changedDuringSearch.add(name)
      return
    }
    if (names.size <= resortAboveChanges) {
      for (const name of names) moveItem(name)
      publish()
      return
    }
    for (const name of names) refreshItem(name, [])
    void search()
  }

  const stop = store.onChange(onChange)
  onChange(new Set(store.rows.keys()))
  return {
    state,
    setView: (newView) => {
      view = newView
      void search()
    },
    close: () => {
      searchRun += 1
      stop()
    },
  }
}

/** The index of an item, or its insertion point, in the sorted items. */
const indexOfItem = (
  items: readonly ListItem[],
  item: ListItem,
  compare: (a: ListItem, b: ListItem) => number,
): number => lowerBound(items.length, (index) => compare(items[index] as ListItem, item) >= 0)

/** Lets the browser draw and handle input. */
const nextTask = () => new Promise((resolve) => setTimeout(resolve))
