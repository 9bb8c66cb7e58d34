/**
 * The deployments of client/deployment-store.ts, one signal per row, so that a change redraws one row. Filled by list-sync.ts and
 * live-connection.ts.
 */
import { batch, type ReadonlySignal, type Signal, signal } from '@preact/signals'
import {
  createDeploymentStore as createStore,
  type DeploymentStore as Store,
} from '../../client/deployment-store.ts'
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
  snapshotToken: Store['snapshotToken']
  upsertMany(part: readonly FullInfo[], token: number): void
  removeMissing(names: ReadonlySet<string>, token: number): void
}

export function createDeploymentStore(): DeploymentStore {
  const store = createStore()
  const rows = new Map<string, Signal<FullInfo>>()
  const version = signal(0)
  const listeners = new Set<(names: ReadonlySet<string>) => void>()

  const show = (name: string) => {
    const info = store.rows.get(name)
    const row = rows.get(name)
    if (info === undefined) rows.delete(name)
    else if (row === undefined) rows.set(name, signal(info))
    else row.value = info
  }

  const notify = (names: ReadonlySet<string>) => {
    if (names.size === 0) return
    batch(() => {
      for (const name of names) show(name)
      version.value = version.peek() + 1
      for (const listener of listeners) listener(names)
    })
  }

  return {
    version,
    rows,
    onChange: (listener) => {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    apply: (event) => notify(new Set(store.apply(event) ? [event.name] : [])),
    snapshotToken: store.snapshotToken,
    upsertMany: (part, token) => notify(namesOf(store.upsertMany(part, token))),
    removeMissing: (names, token) => notify(namesOf(store.removeMissing(names, token))),
  }
}

const namesOf = (changed: readonly FullInfo[]) => new Set(changed.map(({ deployment }) => deployment.name))
