/**
 * Which deployments the list shows and in what order, kept up as they change: one change moves one row, whatever the
 * number of rows; a search works in slices, so that typing is never held up, and shows its result when it is whole.
 * Opened by list.ts; the rules of order: list-view.ts.
 */
import { type ReadonlySignal, signal } from '@preact/signals'
import type { FullInfo } from '../../domain/shapes.ts'
import { fieldsOf, qualityOf, type Word, wordsOf } from '../search.ts'
import { firstWhere } from '../sorted.ts'
import type { Row, Store } from '../store.ts'
import { isPutAway } from '../words.ts'
import { inOrder, type Sortable, type View } from './list-view.ts'

/** A row of the list. `height`: as last drawn, in pixels; 0: never drawn. `opened`: see parts/overrides.ts. Both stay with the row. */
export type Item = Sortable & { row: Row; height: number; opened: Set<string> }

/** `hidden`: match too, but are archived, and the view leaves those out. */
export type Listed = {
  items: readonly Item[]
  words: readonly Word[]
  total: number
  putAway: number
  hidden: number
}

export type Listing = {
  listed: ReadonlySignal<Listed>
  /** Shows another view; at once without a search, else as soon as everything has been looked at. */
  look(view: View): void
  close(): void
}

/** A slice of a search, in milliseconds: a frame still gets its turn. */
const sliceMs = 10
/** More changes than this at once: sorting anew is cheaper than moving one by one. */
const manyChanges = 200

export function openListing(store: Store, view: View, pause: () => Promise<unknown> = nextTask): Listing {
  const all = new Map<string, Item>()
  const fields = new WeakMap<FullInfo, string[]>()
  let shown: Item[] = []
  let [putAway, foundAway] = [0, 0]
  let words: readonly Word[] = wordsOf(view.query)
  let compare = inOrder(view)
  let run = 0
  /** What has changed while a search was under way; null: none is. */
  let missed: Set<string> | null = null
  const listed = signal<Listed>({ items: shown, words, total: 0, putAway, hidden: 0 })

  const quality = (info: FullInfo, wanted: readonly Word[]): number => {
    if (wanted.length === 0) return 1
    let known = fields.get(info)
    if (known === undefined) {
      known = fieldsOf(info)
      fields.set(info, known)
    }
    return qualityOf(wanted, known)
  }
  const isShown = (item: Item) => item.quality > 0 && (view.archived || !isPutAway(item.info))
  const tally = (item: Item, by: 1 | -1) => {
    if (!isPutAway(item.info)) return
    putAway += by
    if (item.quality > 0) foundAway += by
  }
  const publish = () => {
    listed.value = { items: shown, words, total: all.size, putAway, hidden: view.archived ? 0 : foundAway }
  }

  const sortAnew = () => {
    ;[putAway, foundAway] = [0, 0]
    for (const item of all.values()) tally(item, 1)
    shown = [...all.values()].filter(isShown).sort(compare)
    publish()
  }

  const look = async () => {
    run += 1
    const mine = run
    const wanted = wordsOf(view.query)
    const names = missed ?? new Set()
    missed = names
    let until = performance.now() + sliceMs
    const qualities = new Map<Item, number>()
    for (const item of [...all.values()]) {
      qualities.set(item, quality(item.info, wanted))
      if (wanted.length === 0 || performance.now() < until) continue
      await pause()
      if (mine !== run) return
      until = performance.now() + sliceMs
    }
    for (const [item, found] of qualities) item.quality = found
    // The same words stay the same object: rows are not drawn anew for it.
    if (wanted.join() !== words.join()) words = wanted
    compare = inOrder(view)
    missed = null
    for (const name of names) renew(name)
    sortAnew()
  }

  /** Brings one item up to date; the order is somebody else's. */
  const renew = (name: string, wanted = words): Item | undefined => {
    const row = store.rows.get(name)
    if (row === undefined) {
      all.delete(name)
      return undefined
    }
    const info = row.peek()
    const item = all.get(name) ?? { name, row, info, quality: 0, height: 0, opened: new Set<string>() }
    item.row = row
    item.info = info
    item.quality = quality(info, wanted)
    all.set(name, item)
    return item
  }

  const move = (name: string) => {
    const before = all.get(name)
    if (before !== undefined) {
      tally(before, -1)
      if (isShown(before)) shown.splice(placeOf(shown, before, compare), 1)
    }
    const item = renew(name)
    if (item === undefined) return
    tally(item, 1)
    if (isShown(item)) shown.splice(placeOf(shown, item, compare), 0, item)
  }

  const hear = (names: ReadonlySet<string>) => {
    if (missed !== null) {
      for (const name of names) missed.add(name)
      return
    }
    if (names.size <= manyChanges) {
      for (const name of names) move(name)
      publish()
      return
    }
    for (const name of names) renew(name, [])
    void look()
  }

  const stop = store.watch(hear)
  hear(new Set(store.rows.keys()))
  return {
    listed,
    look: (wanted) => {
      view = wanted
      void look()
    },
    close: () => {
      run += 1
      stop()
    },
  }
}

/** Where an item stands, or would, among sorted ones. */
const placeOf = (items: readonly Item[], item: Item, compare: (a: Item, b: Item) => number): number =>
  firstWhere(items.length, (at) => compare(items[at] as Item, item) >= 0)

/** Lets the browser draw and hear the keyboard in between. */
const nextTask = () => new Promise((resolve) => setTimeout(resolve))
