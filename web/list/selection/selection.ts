/**
 * The deployments that the user has selected in the list for one change of all of them. Stays while rows move, are filtered out or
 * the list is left; drops what is deleted. Created by app-context.ts; used by the list and by bulk/.
 */
import { type ReadonlySignal, signal } from '@preact/signals'
import type { DeploymentStore } from '../../live/deployment-store.ts'

export type Selection = {
  names: ReadonlySignal<ReadonlySet<string>>
  toggle(name: string): void
  /**
   * Selects from the last toggled row to this one, or deselects, as that row was. Another call from the same row replaces the
   * range. `order`: the names of the rows as they are shown.
   */
  extend(order: readonly string[], name: string): void
  /** In addition to what is selected. */
  selectAll(names: readonly string[]): void
  remove(names: readonly string[]): void
  clear(): void
}

const nothing: ReadonlySet<string> = new Set()

export function createSelection(store: Pick<DeploymentStore, 'rows' | 'onChange'>): Selection {
  const names = signal(nothing)
  /** Where a range begins, and what was selected when its row was toggled. */
  let [anchor, base] = ['', nothing]
  const change = (from: ReadonlySet<string>, changed: readonly string[], isSelected: boolean) => {
    const next = new Set(from)
    for (const name of changed) {
      if (isSelected && store.rows.has(name)) next.add(name)
      else next.delete(name)
    }
    names.value = next
  }
  const toggle = (name: string) => {
    change(names.peek(), [name], !names.peek().has(name))
    ;[anchor, base] = [name, names.peek()]
  }
  store.onChange((changed) => {
    const gone = [...changed].filter((name) => names.peek().has(name) && !store.rows.has(name))
    if (gone.length > 0) change(names.peek(), gone, false)
  })
  return {
    names,
    toggle,
    extend: (order, name) => {
      const [first, last] = [order.indexOf(anchor), order.indexOf(name)].sort((a, b) => a - b)
      if (first === undefined || last === undefined || first < 0) return toggle(name)
      const kept = new Set([...base].filter((selected) => store.rows.has(selected)))
      change(kept, order.slice(first, last + 1), base.has(anchor))
    },
    selectAll: (all) => change(names.peek(), all, true),
    remove: (removed) => change(names.peek(), removed, false),
    clear: () => {
      names.value = nothing
      ;[anchor, base] = ['', nothing]
    },
  }
}
