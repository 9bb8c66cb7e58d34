/**
 * What the page knows of all deployments: a signal a row, so that one change redraws one row. An older revision never
 * wins over a newer one, and what was deleted does not come back by a late message (law 7). Fed by sync.ts and live.ts.
 */
import { batch, type ReadonlySignal, type Signal, signal } from '@preact/signals'
import type { ChangeEvent } from '../domain/event.ts'
import type { FullInfo } from '../domain/shapes.ts'

export type Row = ReadonlySignal<FullInfo>

export type Store = {
  /** Grows with every change of any row: what sorts or counts rows reads it. */
  changes: ReadonlySignal<number>
  rows: ReadonlyMap<string, Row>
  /** Hears the names of what has changed, before anything is drawn. Gives back how to stop. */
  watch(heard: (names: ReadonlySet<string>) => void): () => void
  apply(event: ChangeEvent): void
  /** Rows of a list, as they come. */
  merge(part: readonly FullInfo[]): void
  /** A point in time to hand to `keep`: taken before the list is asked for. */
  mark(): number
  /** The names of a whole list no older than `mark`: other rows are gone, unless they came by an event since. */
  keep(names: ReadonlySet<string>, mark: number): void
}

type Entry = { signal: Signal<FullInfo>; touched: number }

export function createStore(): Store {
  const entries = new Map<string, Entry>()
  const rows = new Map<string, Row>()
  /** What was deleted: up to which revision, and when it was made. A list that lacks a row does not tell its last revision. */
  const gone = new Map<string, { revision: number; created_at?: string }>()
  const changes = signal(0)
  const watchers = new Set<(names: ReadonlySet<string>) => void>()
  let clock = 0

  const put = (deployment: FullInfo): boolean => {
    const { name } = deployment.deployment
    const was = gone.get(name)
    if (was && (deployment.revision <= was.revision || deployment.created_at === was.created_at)) return false
    const entry = entries.get(name)
    if (entry === undefined) {
      const created = signal(deployment)
      entries.set(name, { signal: created, touched: clock })
      rows.set(name, created)
      return true
    }
    entry.touched = clock
    if (deployment.revision <= entry.signal.peek().revision) return false
    entry.signal.value = deployment
    return true
  }

  const remove = (name: string, revision: number): boolean => {
    const was = entries.get(name)?.signal.peek() ?? gone.get(name)
    if (was && revision < was.revision) return false
    gone.set(name, { ...was, revision })
    rows.delete(name)
    return entries.delete(name)
  }

  const tell = (names: ReadonlySet<string>) => {
    if (names.size === 0) return
    changes.value = changes.peek() + 1
    for (const heard of watchers) heard(names)
  }

  return {
    changes,
    rows,
    watch: (heard) => {
      watchers.add(heard)
      return () => void watchers.delete(heard)
    },
    apply: (event) =>
      batch(() => {
        clock += 1
        const { name, revision } = event
        const changed = event.type === 'deleted' ? remove(name, revision) : put(event.deployment)
        if (changed) tell(new Set([name]))
      }),
    merge: (part) => batch(() => tell(new Set(part.filter(put).map(({ deployment }) => deployment.name)))),
    mark: () => clock,
    keep: (names, mark) =>
      batch(() => {
        const lacking = [...entries].filter(([name, { touched }]) => !names.has(name) && touched <= mark)
        tell(
          new Set(
            lacking
              .filter(([name, { signal }]) => remove(name, signal.peek().revision))
              .map(([name]) => name),
          ),
        )
      }),
  }
}
