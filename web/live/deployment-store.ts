/**
 * What the page knows of all deployments: a signal a row, so that one change redraws one row. An older revision never
 * wins over a newer one, and what was deleted does not come back by a late message (law 7). Fed by list-sync.ts and live-connection.ts.
 */
import { batch, type ReadonlySignal, type Signal, signal } from '@preact/signals'
import type { ChangeEvent } from '../../domain/event.ts'
import type { FullInfo } from '../../domain/schemas.ts'

export type DeploymentSignal = ReadonlySignal<FullInfo>

export type DeploymentStore = {
  /** Grows with every change of any row: what sorts or counts rows reads it. */
  version: ReadonlySignal<number>
  rows: ReadonlyMap<string, DeploymentSignal>
  /** Hears the names of what has changed, before anything is drawn. Gives back how to stop. */
  onChange(heard: (names: ReadonlySet<string>) => void): () => void
  apply(event: ChangeEvent): void
  /** Rows of a list, as they come. */
  upsertMany(part: readonly FullInfo[]): void
  /** A point in time to hand to `keep`: taken before the list is asked for. */
  snapshotToken(): number
  /** The names of a whole list no older than `mark`: other rows are gone, unless they came by an event since. */
  removeMissing(names: ReadonlySet<string>, mark: number): void
}

type Entry = { signal: Signal<FullInfo>; changedAt: number }

export function createDeploymentStore(): DeploymentStore {
  const entries = new Map<string, Entry>()
  const rows = new Map<string, DeploymentSignal>()
  /** What was deleted: up to which revision, and when it was made. A list that lacks a row does not tell its last revision. */
  const deleted = new Map<string, { revision: number; created_at?: string }>()
  const version = signal(0)
  const listeners = new Set<(names: ReadonlySet<string>) => void>()
  let changeCounter = 0

  const upsert = (deployment: FullInfo): boolean => {
    const { name } = deployment.deployment
    const was = deleted.get(name)
    if (was && (deployment.revision <= was.revision || deployment.created_at === was.created_at)) return false
    const entry = entries.get(name)
    if (entry === undefined) {
      const created = signal(deployment)
      entries.set(name, { signal: created, changedAt: changeCounter })
      rows.set(name, created)
      return true
    }
    entry.changedAt = changeCounter
    if (deployment.revision <= entry.signal.peek().revision) return false
    entry.signal.value = deployment
    return true
  }

  const remove = (name: string, revision: number): boolean => {
    const was = entries.get(name)?.signal.peek() ?? deleted.get(name)
    if (was && revision < was.revision) return false
    deleted.set(name, { ...was, revision })
    rows.delete(name)
    return entries.delete(name)
  }

  const notify = (names: ReadonlySet<string>) => {
    if (names.size === 0) return
    version.value = version.peek() + 1
    for (const heard of listeners) heard(names)
  }

  return {
    version,
    rows,
    onChange: (heard) => {
      listeners.add(heard)
      return () => void listeners.delete(heard)
    },
    apply: (event) =>
      batch(() => {
        changeCounter += 1
        const { name, revision } = event
        const changed = event.type === 'deleted' ? remove(name, revision) : upsert(event.deployment)
        if (changed) notify(new Set([name]))
      }),
    upsertMany: (part) =>
      batch(() => notify(new Set(part.filter(upsert).map(({ deployment }) => deployment.name)))),
    snapshotToken: () => changeCounter,
    removeMissing: (names, mark) =>
      batch(() => {
        const lacking = [...entries].filter(([name, { changedAt }]) => !names.has(name) && changedAt <= mark)
        notify(
          new Set(
            lacking
              .filter(([name, { signal }]) => remove(name, signal.peek().revision))
              .map(([name]) => name),
          ),
        )
      }),
  }
}
