/**
 * The shown deployments in order, updated incrementally: one change moves one row. Changes of other people are shown in
 * the rows at once, but move no row before the user asks for it, so that nobody clicks on the wrong one. A search runs in
 * time slices, so that typing is never blocked, and is published when complete. Created by list-page.ts; the sort order
 * and the filters are in list-filter.ts.
 */
import { type ReadonlySignal, signal } from '@preact/signals'
import type { FullInfo } from '../../domain/schemas.ts'
import { lowerBound } from '../../lib/binary-search.ts'
import { isArchived, needsAttention } from '../deployment/status-labels.ts'
import type { DeploymentSignal, DeploymentStore } from '../live/deployment-store.ts'
import { createFacetCounter, type Facets } from './facets.ts'
import { activeFilters, compareBy, createFilter, type ListView, type Sortable } from './list-filter.ts'
import { matchScore, parseQuery, type SearchTerm, searchFields } from './search.ts'

/**
 * `height`: as last drawn, in px; 0: never drawn. `expandedLevels`: see row/override-labels.ts. Both stay with
 * the row. `deleted`: the deployment is gone, but its row keeps its place.
 */
export type ListItem = Sortable & {
  row: DeploymentSignal
  height: number
  expandedLevels: Set<string>
  deleted: boolean
}

/**
 * `hiddenMatches`: archived matches that the current view hides. `held`: deployments whose row would appear, move or
 * disappear if the list were sorted now.
 */
export type ListState = {
  items: readonly ListItem[]
  terms: readonly SearchTerm[]
  total: number
  archived: number
  hiddenMatches: number
  held: number
  /** Deployments that are failing or whose last action failed, whatever the view shows. */
  attention: number
  /** Changes in place; a new state has the same object. */
  facets: Facets
  /** True when the view leaves out deployments by search or a filter. */
  filtered: boolean
}

export type ListModel = {
  state: ReadonlySignal<ListState>
  /** Applies a view: immediately without a search, otherwise after all deployments were searched. */
  setView(view: ListView): void
  /** Sorts the list, so that no change is held. */
  showHeld(): void
  close(): void
}

type Options = {
  pause?: () => Promise<unknown>
  /** True: a change of this deployment moves no row. */
  isHeld?: (name: string) => boolean
  isMine?: (info: FullInfo) => boolean
  currentTimeMs?: () => number
}

/** Time slice of a search, short enough for a frame. */
const sliceMs = 10
/** Above this number of changes a full sort is cheaper than single moves. */
const resortAboveChanges = 200

export function createListModel(
  store: DeploymentStore,
  view: ListView,
  { pause = nextTask, isHeld = () => false, isMine = () => false, currentTimeMs = Date.now }: Options = {},
): ListModel {
  const items = new Map<string, ListItem>()
  const fieldCache = new WeakMap<FullInfo, string[]>()
  let shown: ListItem[] = []
  let [archived, archivedMatches, attention] = [0, 0, 0]
  let terms: readonly SearchTerm[] = parseQuery(view.query)
  let compare = compareBy(view)
  const createViewFilter = () => createFilter(view, { isMine, nowMs: currentTimeMs() })
  let matchesFilters = createViewFilter()
  const counter = createFacetCounter(isMine)
  let searchRun = 0
  /** Names that changed during a search; null when no search runs. */
  let changedDuringSearch: Set<string> | null = null
  /** Names of held changes. While there is one, `shown` may not be sorted. */
  const held = new Set<string>()
  const createState = (): ListState => ({
    items: shown,
    terms,
    total: items.size,
    archived,
    hiddenMatches: view.archived ? 0 : archivedMatches,
    held: held.size,
    attention,
    facets: counter.facets,
    filtered: terms.length > 0 || activeFilters(view) > 0,
  })
  const state = signal(createState())

  const score = (info: FullInfo, searchTerms: readonly SearchTerm[]): number => {
    if (searchTerms.length === 0) return 1
    let cached = fieldCache.get(info)
    if (cached === undefined) {
      cached = searchFields(info)
      fieldCache.set(info, cached)
    }
    return matchScore(searchTerms, cached)
  }
  const isMatch = ({ score: quality, info }: ListItem) => quality > 0 && matchesFilters(info)
  const isShown = (item: ListItem) => isMatch(item) && (view.archived || !isArchived(item.info))
  const count = (item: ListItem, by: 1 | -1) => {
    if (needsAttention(item.info)) attention += by
    const inArchive = isArchived(item.info)
    if (!inArchive || view.archived) counter.count(item.info, by)
    if (!inArchive) return
    archived += by
    if (isMatch(item)) archivedMatches += by
  }
  const publish = () => {
    state.value = createState()
  }

  const resort = () => {
    matchesFilters = createViewFilter()
    ;[archived, archivedMatches, attention] = [0, 0, 0]
    counter.clear()
    for (const item of items.values()) count(item, 1)
    shown = [...items.values()].filter(isShown).sort(compare)
    held.clear()
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
      deleted: false,
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
      count(before, -1)
      if (isShown(before)) shown.splice(indexOfItem(shown, before, compare), 1)
    }
    const item = refreshItem(name)
    if (item === undefined) return
    count(item, 1)
    if (isShown(item)) shown.splice(indexOfItem(shown, item, compare), 0, item)
  }

  /** Updates one row in its place. */
  const holdItem = (name: string) => {
    const before = items.get(name)
    const index = before === undefined || held.size > 0 ? -1 : indexOfItem(shown, before, compare)
    const wasShown = before !== undefined && isShown(before)
    if (before !== undefined) count(before, -1)
    const previous = before && { ...before }
    const item = refreshItem(name)
    if (item !== undefined) count(item, 1)
    if (before !== undefined) before.deleted = item === undefined
    if (item === undefined || !wasShown || !isShown(item)) {
      if (wasShown || (item !== undefined && isShown(item))) held.add(name)
      return
    }
    const isMoved =
      index === -1
        ? previous !== undefined && compare(previous, item) !== 0
        : !isInOrder(shown[index - 1], item, compare) || !isInOrder(item, shown[index + 1], compare)
    if (isMoved) held.add(name)
  }

  const onChange = (names: ReadonlySet<string>) => {
    if (changedDuringSearch !== null) {
      for (const name of names) changedDuringSearch.add(name)
      return
    }
    const [heldNames, others]: [string[], string[]] = [[], []]
    for (const name of names) (shown.length > 0 && isHeld(name) ? heldNames : others).push(name)
    for (const name of heldNames) holdItem(name)
    if (others.length > resortAboveChanges) {
      for (const name of others) refreshItem(name, [])
      return void search()
    }
    if (others.length > 0 && held.size > 0) {
      for (const name of others) refreshItem(name)
      return resort()
    }
    for (const name of others) moveItem(name)
    publish()
  }

  const stop = store.onChange(onChange)
  onChange(new Set(store.rows.keys()))
  return {
    state,
    setView: (newView) => {
      view = newView
      void search()
    },
    showHeld: () => {
      if (held.size > 0) resort()
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

/** True when a neighbour is missing or comes in the right order. */
const isInOrder = (
  first: ListItem | undefined,
  second: ListItem | undefined,
  compare: (a: ListItem, b: ListItem) => number,
) => first === undefined || second === undefined || compare(first, second) <= 0

/** Lets the browser draw and handle input. */
const nextTask = () => new Promise((resolve) => setTimeout(resolve))
