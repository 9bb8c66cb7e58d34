/**
 * All deployments that the page knows, one signal per row, so that a change redraws one row. An older
 * revision in an event never replaces a newer one, and late events do not restore a deleted deployment. A
 * list is never older than its request, so it replaces everything that was known before the request: after
 * a failover that lost the last transactions, revisions go back. Filled by list-sync.ts and
 * live-connection.ts.
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
  /** A token for `upsertMany` and `removeMissing`, taken before the list is requested. */
  snapshotToken(): number
  /**
   * Adds or updates rows of a list response. A row that an event changed after the token was taken keeps the
   * newer revision.
   */
  upsertMany(part: readonly FullInfo[], token: number): void
  /**
   * Removes rows that are not in the complete list `names`, except rows that an event changed after the
   * token was taken.
   */
  removeMissing(names: ReadonlySet<string>, token: number): void
}

/** `changedAt`: the number of the last event about the row. */
type Entry = { signal: Signal<FullInfo>; changedAt: number }
type Deleted = { revision: number; created_at?: string; changedAt: number }

export function createDeploymentStore(): DeploymentStore {
  const entries = new Map<string, Entry>()
  const rows = new Map<string, DeploymentSignal>()
  /**
   * Deleted deployments: revision and creation time of the last known state. For a row that is missing in a
   * list, the revision of the deletion is unknown.
   */
  const deleted = new Map<string, Deleted>()
  const version = signal(0)
  const listeners = new Set<(names: ReadonlySet<string>) => void>()
  let changeCounter = 0

  const add = (deployment: FullInfo) => {
    const { name } = deployment.deployment
    const created = signal(deployment)
    entries.set(name, { signal: created, changedAt: changeCounter })
    rows.set(name, created)
  }

  const replace = (entry: Entry, deployment: FullInfo): true => {
    entry.signal.value = deployment
    return true
  }

  const applyEvent = (deployment: FullInfo): boolean => {
    const { name } = deployment.deployment
    const was = deleted.get(name)
    if (was && (deployment.revision <= was.revision || deployment.created_at === was.created_at)) return false
    const entry = entries.get(name)
    if (entry === undefined) {
      add(deployment)
      return true
    }
    entry.changedAt = changeCounter
    if (deployment.revision <= entry.signal.peek().revision) return false
    return replace(entry, deployment)
  }

  const applyListed = (deployment: FullInfo, token: number): boolean => {
    const { name } = deployment.deployment
    const entry = entries.get(name)
    if (entry === undefined) {
      const was = deleted.get(name)
      if (was && was.changedAt > token) return applyEvent(deployment)
      deleted.delete(name)
      add(deployment)
      return true
    }
    const { revision, updated_at } = entry.signal.peek()
    if (deployment.revision === revision && deployment.updated_at === updated_at) return false
    if (deployment.revision <= revision && entry.changedAt > token) return false
    return replace(entry, deployment)
  }

  const remove = (name: string, revision: number): boolean => {
    const was = entries.get(name)?.signal.peek() ?? deleted.get(name)
    if (was && revision < was.revision) return false
    deleted.set(name, { revision, changedAt: changeCounter, ...(was && { created_at: was.created_at }) })
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
        const changed = event.type === 'deleted' ? remove(name, revision) : applyEvent(event.deployment)
        if (changed) notify(new Set([name]))
      }),
    snapshotToken: () => changeCounter,
    upsertMany: (part, token) =>
      batch(() => {
        const changed = part.filter((deployment) => applyListed(deployment, token))
        notify(new Set(changed.map(({ deployment }) => deployment.name)))
      }),
    removeMissing: (names, token) =>
      batch(() => {
        const lacking = [...entries].filter(([name, { changedAt }]) => !names.has(name) && changedAt <= token)
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
