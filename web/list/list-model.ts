/**
 * Which deployments the list shows and in what order, kept up as they change: one change moves one row, whatever the
 * number of rows; a search works in slices, so that typing is never held up, and shows its result when it is whole.
 * Opened by list.ts; the rules of order: list-filter.ts.
 */
import { type ReadonlySignal, signal } from '@preact/signals'
import type { FullInfo } from '../../domain/schemas.ts'
import { lowerBound } from '../../lib/binary-search.ts'
import { isArchived } from '../format.ts'
import type { DeploymentSignal, DeploymentStore } from '../live/deployment-store.ts'
import { compareBy, type ListView, type Sortable } from './list-filter.ts'
import { matchScore, parseQuery, type SearchTerm, searchFields } from './search.ts'

/** A row of the list. `height`: as last drawn, in pixels; 0: never drawn. `opened`: see parts/overrides.ts. Both stay with the row. */
export type ListItem = Sortable & { row: DeploymentSignal; height: number; opened: Set<string> }

/** `hidden`: match too, but are archived, and the view leaves those out. */
export type ListState = {
  items: readonly ListItem[]
  terms: readonly SearchTerm[]
  total: number
  archived: number
  hiddenMatches: number
}

export type ListModel = {
  state: ReadonlySignal<ListState>
  /** Shows another view; at once without a search, else as soon as everything has been looked at. */
  setView(view: ListView): void
  close(): void
}

/** A slice of a search, in milliseconds: a frame still gets its turn. */
const sliceMs = 10
/** More changes than this at once: sorting anew is cheaper than moving one by one. */
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
  /** What has changed while a search was under way; null: none is. */
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

  const look = async () => {
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
    for (const [item, found] of scores) item.score = found
    // The same words stay the same object: rows are not drawn anew for it.
    if (searchTerms.join() !== terms.join()) terms = searchTerms
    compare = compareBy(view)
    changedDuringSearch = null
    for (const name of names) refreshItem(name)
    resort()
  }

  /** Brings one item up to date; the order is somebody else's. */
  const refreshItem = (name: string, searchTerms = terms): ListItem | undefined => {
    const row = store.rows.get(name)
    if (row === undefined) {
      items.delete(name)
      return undefined
    }
    const info = row.peek()
    const item = items.get(name) ?? { name, row, info, score: 0, height: 0, opened: new Set<string>() }
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
    void look()
  }

  const stop = store.onChange(onChange)
  onChange(new Set(store.rows.keys()))
  return {
    state,
    setView: (searchTerms) => {
      view = searchTerms
      void look()
    },
    close: () => {
      searchRun += 1
      stop()
    },
  }
}

/** Where an item stands, or would, among sorted ones. */
const indexOfItem = (
  items: readonly ListItem[],
  item: ListItem,
  compare: (a: ListItem, b: ListItem) => number,
): number => lowerBound(items.length, (at) => compare(items[at] as ListItem, item) >= 0)

/** Lets the browser draw and hear the keyboard in between. */
const nextTask = () => new Promise((resolve) => setTimeout(resolve))
