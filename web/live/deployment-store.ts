/**
 * All deployments that the page knows, one signal per row, so that a change redraws one row. An older
 * revision never replaces a newer one, and late messages do not restore a deleted deployment. Filled by
 * list-sync.ts and live-connection.ts.
 */
import { batch, type ReadonlySignal, type Signal, signal } from '@preact/signals'
import type { ChangeEvent } from '../../domain/event.ts'
import type { FullInfo } from '../../domain/schemas.ts'

export type DeploymentSignal = ReadonlySignal<FullInfo>

export type DeploymentStore = {
  /** Increases with every change of any row. Read by code that sorts or counts rows. */
  version: ReadonlySignal<number>
  rows: ReadonlyMap<string, DeploymentSignal>
  /**
   * Calls the listener with the names of changed rows before they are drawn. Returns the unsubscribe
   * function.
   */
  onChange(listener: (names: ReadonlySet<string>) => void): () => void
  apply(event: ChangeEvent): void
  /** Adds or updates rows of a list response. */
  upsertMany(part: readonly FullInfo[]): void
  /** A token for `removeMissing`, taken before the list is requested. */
  snapshotToken(): number
  /**
   * Removes rows that are not in the complete list `names`, except rows that an event changed after the
   * token was taken.
   */
  removeMissing(names: ReadonlySet<string>, mark: number): void
}

type Entry = { signal: Signal<FullInfo>; changedAt: number }

export function createDeploymentStore(): DeploymentStore {
  const entries = new Map<string, Entry>()
  const rows = new Map<string, DeploymentSignal>()
  /**
   * Deleted deployments: revision and creation time of the last known state. For a row that is missing in a
   * list, the revision of the deletion is unknown.
   */
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
    for (const listener of listeners) listener(names)
  }

  return {
    version,
    rows,
    onChange: (listener) => {
      listeners.add(listener)
      return () => void listeners.delete(listener)
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
