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
  apply(event: ChangeEvent): void
  /** A point in time to hand to `replace`: taken before the list is asked for. */
  mark(): number
  /** A whole list that is no older than `mark`: rows it lacks are gone, unless they came by an event since. */
  replace(list: readonly FullInfo[], mark: number): void
}

type Entry = { signal: Signal<FullInfo>; touched: number }

export function createStore(): Store {
  const entries = new Map<string, Entry>()
  const rows = new Map<string, Row>()
  const deletedAt = new Map<string, number>()
  const changes = signal(0)
  let clock = 0

  const put = (deployment: FullInfo): boolean => {
    const { name } = deployment.deployment
    if (deployment.revision <= (deletedAt.get(name) ?? 0)) return false
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
    if (revision < (entries.get(name)?.signal.peek().revision ?? 0)) return false
    deletedAt.set(name, Math.max(revision, deletedAt.get(name) ?? 0))
    rows.delete(name)
    return entries.delete(name)
  }

  const count = (changed: boolean) => {
    if (changed) changes.value = changes.peek() + 1
  }

  return {
    changes,
    rows,
    apply: (event) =>
      batch(() => {
        clock += 1
        count(event.type === 'deleted' ? remove(event.name, event.revision) : put(event.deployment))
      }),
    mark: () => clock,
    replace: (list, mark) =>
      batch(() => {
        let changed = false
        const listed = new Set<string>()
        for (const deployment of list) {
          listed.add(deployment.deployment.name)
          changed = put(deployment) || changed
        }
        for (const [name, entry] of [...entries]) {
          if (listed.has(name) || entry.touched > mark) continue
          changed = remove(name, entry.signal.peek().revision) || changed
        }
        count(changed)
      }),
  }
}
