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

/**
 * `drawIntervalMs`: changes that come within this time after the last drawn one are drawn together, so that a change of hundreds of
 * deployments does not draw the list hundreds of times.
 */
export function createDeploymentStore(drawIntervalMs = 0): DeploymentStore {
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

  let pending = new Set<string>()
  let drawnAtMs = Number.NEGATIVE_INFINITY
  let timer: ReturnType<typeof setTimeout> | undefined

  const drawPending = () => {
    clearTimeout(timer)
    timer = undefined
    const names = pending
    if (names.size === 0) return
    pending = new Set()
    drawnAtMs = performance.now()
    batch(() => {
      for (const name of names) show(name)
      version.value = version.peek() + 1
      for (const listener of listeners) listener(names)
    })
  }
  const addPending = (changed: readonly FullInfo[]) => {
    for (const { deployment } of changed) pending.add(deployment.name)
    drawPending()
  }

  return {
    version,
    rows,
    onChange: (listener) => {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    apply: (event) => {
      if (!store.apply(event)) return
      pending.add(event.name)
      const waitMs = drawnAtMs + drawIntervalMs - performance.now()
      if (waitMs <= 0) drawPending()
      else timer ??= setTimeout(drawPending, waitMs)
    },
    snapshotToken: store.snapshotToken,
    upsertMany: (part, token) => addPending(store.upsertMany(part, token)),
    removeMissing: (names, token) => addPending(store.removeMissing(names, token)),
  }
}
