/** One config level while it is edited: what was typed, its rows, its tree, what is wrong. Made by form.ts. */
import { computed, type ReadonlySignal, type Signal, signal } from '@preact/signals'
import { keyProblem, normaliseKey, type Override } from '../../domain/overrides.ts'
import { type ConfigRow, changesBetween, configRows, problemOf, setValue } from '../config-rows.ts'
import type { Defaults } from '../defaults.ts'
import { matchesKey, type Node, treeOf } from './tree.ts'

export type Level = {
  title: string
  /** What was saved when the form opened, or when it took over what others have saved since. */
  initial: ReadonlySignal<readonly Override[]>
  overrides: Signal<readonly Override[]>
  defaults: ReadonlySignal<Defaults>
  /** A row that has not changed stays the same object: typing in one redraws that one, among thousands. */
  rows: ReadonlySignal<ReadonlyMap<string, ConfigRow>>
  filter: Signal<string>
  /** The keys that pass the filter. */
  tree: ReadonlySignal<readonly Node[]>
  /** Keys that are not as they were saved. */
  touched: ReadonlySignal<ReadonlySet<string>>
  /** The new key that has not been added yet. */
  typed: Signal<{ key: string; value: string }>
  typedProblem: ReadonlySignal<string | null>
  problem: ReadonlySignal<string | null>
  isOpen(prefix: string): Signal<boolean>
}

/** With more keys than that, groups without overrides are closed at first. */
const manyKeys = 60

export function createLevel(
  title: string,
  initial: ReadonlySignal<readonly Override[]>,
  defaults: ReadonlySignal<Defaults>,
  overrides: Signal<readonly Override[]> = signal(initial.peek()),
): Level {
  const typed = signal({ key: '', value: '' })
  const filter = signal('')
  const open = new Map<string, Signal<boolean>>()
  let before: ReadonlyMap<string, ConfigRow> = new Map()
  const rows = computed(() => {
    const now = configRows(defaults.value.pairs, overrides.value)
    before = new Map(now.map((row) => [row.key, sameRow(before.get(row.key), row)]))
    return before
  })
  // As text, so that the tree is made anew only for other keys, not for other values.
  const keys = computed(() => {
    const wanted = filter.value.trim()
    return [...rows.value.keys()].filter((key) => matchesKey(key, wanted)).join('\0')
  })
  return {
    title,
    initial,
    overrides,
    defaults,
    rows,
    filter,
    typed,
    tree: computed(() => (keys.value === '' ? [] : treeOf(keys.value.split('\0')))),
    touched: computed(() => new Set(changesBetween(initial.value, overrides.value).map(({ key }) => key))),
    typedProblem: computed(() => {
      const { key, value } = typed.value
      const normal = normaliseKey(key)
      if (normal === '') return value === '' ? null : 'The new value has no key.'
      return rows.value.has(normal) ? `${normal} is in the list above.` : keyProblem(normal)
    }),
    problem: computed(() => problemOf(overrides.value)),
    isOpen: (prefix) => {
      const there =
        open.get(prefix) ??
        signal(rows.peek().size <= manyKeys || initial.peek().some(([key]) => key.startsWith(prefix)))
      open.set(prefix, there)
      return there
    },
  }
}

/** The new key becomes a row, unless something is wrong with it. */
export function addTyped({ typed, typedProblem, overrides, defaults }: Level): void {
  const key = normaliseKey(typed.peek().key)
  if (key === '' || typedProblem.peek() !== null) return
  overrides.value = setValue(defaults.peek().pairs, overrides.peek(), key, typed.peek().value)
  typed.value = { key: '', value: '' }
}

function sameRow(old: ConfigRow | undefined, row: ConfigRow): ConfigRow {
  const same = old?.value === row.value && old.standard === row.standard && old.kind === row.kind
  return same ? old : row
}
