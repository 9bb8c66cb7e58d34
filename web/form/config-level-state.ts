/** One config level while it is edited: what was typed, its rows, its tree, what is wrong. Made by form-state.ts. */
import { computed, type ReadonlySignal, type Signal, signal } from '@preact/signals'
import { configKeyError, normalizeKey, type Override } from '../../domain/overrides.ts'
import type { ConfigDefaults } from '../config/config-defaults.ts'
import {
  buildConfigRows,
  type ConfigRow,
  diffOverrides,
  findProblem,
  setValue,
} from '../config/config-diff.ts'
import { buildKeyTree, type KeyNode, matchesKey } from './key-tree.ts'

export type ConfigLevelState = {
  title: string
  /** What was saved when the form opened, or when it took over what others have saved since. */
  saved: ReadonlySignal<readonly Override[]>
  overrides: Signal<readonly Override[]>
  defaults: ReadonlySignal<ConfigDefaults>
  /** A row that has not changed stays the same object: typing in one redraws that one, among thousands. */
  rows: ReadonlySignal<ReadonlyMap<string, ConfigRow>>
  filter: Signal<string>
  /** The keys that pass the filter. */
  tree: ReadonlySignal<readonly KeyNode[]>
  /** Keys that are not as they were saved. */
  modifiedKeys: ReadonlySignal<ReadonlySet<string>>
  /** The new key that has not been added yet. */
  draft: Signal<{ key: string; value: string }>
  draftProblem: ReadonlySignal<string | null>
  problem: ReadonlySignal<string | null>
  isExpanded(prefix: string): Signal<boolean>
}

/** With more keys than that, groups without overrides are closed at first. */
const collapseAboveKeys = 60

export function createConfigLevelState(
  title: string,
  saved: ReadonlySignal<readonly Override[]>,
  defaults: ReadonlySignal<ConfigDefaults>,
  overrides: Signal<readonly Override[]> = signal(saved.peek()),
): ConfigLevelState {
  const draft = signal({ key: '', value: '' })
  const filter = signal('')
  const expanded = new Map<string, Signal<boolean>>()
  let previousRows: ReadonlyMap<string, ConfigRow> = new Map()
  const rows = computed(() => {
    const now = buildConfigRows(defaults.value.pairs, overrides.value)
    previousRows = new Map(now.map((row) => [row.key, reuseRow(previousRows.get(row.key), row)]))
    return previousRows
  })
  // As text, so that the tree is made anew only for other keys, not for other values.
  const filteredKeys = computed(() => {
    const filterText = filter.value.trim()
    return [...rows.value.keys()].filter((key) => matchesKey(key, filterText)).join('\0')
  })
  return {
    title,
    saved,
    overrides,
    defaults,
    rows,
    filter,
    draft,
    tree: computed(() => (filteredKeys.value === '' ? [] : buildKeyTree(filteredKeys.value.split('\0')))),
    modifiedKeys: computed(() => new Set(diffOverrides(saved.value, overrides.value).map(({ key }) => key))),
    draftProblem: computed(() => {
      const { key, value } = draft.value
      const normal = normalizeKey(key)
      if (normal === '') return value === '' ? null : 'The new value has no key.'
      return rows.value.has(normal) ? `${normal} is in the list above.` : configKeyError(normal)
    }),
    problem: computed(() => findProblem(overrides.value)),
    isExpanded: (prefix) => {
      const existing =
        expanded.get(prefix) ??
        signal(rows.peek().size <= collapseAboveKeys || saved.peek().some(([key]) => key.startsWith(prefix)))
      expanded.set(prefix, existing)
      return existing
    },
  }
}

/** The new key becomes a row, unless something is wrong with it. */
export function addDraft({ draft, draftProblem, overrides, defaults }: ConfigLevelState): void {
  const key = normalizeKey(draft.peek().key)
  if (key === '' || draftProblem.peek() !== null) return
  overrides.value = setValue(defaults.peek().pairs, overrides.peek(), key, draft.peek().value)
  draft.value = { key: '', value: '' }
}

function reuseRow(previous: ConfigRow | undefined, row: ConfigRow): ConfigRow {
  const same =
    previous?.value === row.value && previous.defaultValue === row.defaultValue && previous.kind === row.kind
  return same ? previous : row
}
