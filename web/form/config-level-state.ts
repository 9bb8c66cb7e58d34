/**
 * The state of one config level in the form: rows, key tree, filter, the new key, validation. Created by
 * form-state.ts.
 */
import { computed, type ReadonlySignal, type Signal, signal } from '@preact/signals'
import { diffOverrides } from '../../client/config-diff.ts'
import { configKeyError, normalizeKey, type Override } from '../../domain/overrides.ts'
import type { ConfigDefaults } from '../config/config-defaults.ts'
import { buildConfigRows, type ConfigRow, findValidationError, setValue } from '../config/config-edits.ts'
import { matchesFilter } from '../config/key-filter.ts'
import { buildKeyTree, type KeyNode } from './key-tree.ts'

export type ConfigLevelState = {
  title: string
  /** What belongs to this level. */
  help: string
  /** The saved overrides: as of opening the form, or of the last `applyRemoteChanges`. */
  saved: ReadonlySignal<readonly Override[]>
  overrides: Signal<readonly Override[]>
  defaults: ReadonlySignal<ConfigDefaults>
  /**
   * An unchanged row keeps its object identity, so that typing in one row redraws only that row, among
   * thousands.
   */
  rows: ReadonlySignal<ReadonlyMap<string, ConfigRow>>
  filter: Signal<string>
  /** The keys that match the filter. */
  tree: ReadonlySignal<readonly KeyNode[]>
  /** Keys that differ from the saved overrides. */
  modifiedKeys: ReadonlySignal<ReadonlySet<string>>
  /** The new key that is not added yet. */
  draft: Signal<{ key: string; value: string }>
  draftError: ReadonlySignal<string | null>
  validationError: ReadonlySignal<string | null>
  isExpanded(prefix: string): Signal<boolean>
}

/** Above this number of keys, saved overrides come first and groups without overrides start collapsed. */
const collapseAboveKeys = 60

export function createConfigLevelState(
  { title, help }: { title: string; help: string },
  saved: ReadonlySignal<readonly Override[]>,
  defaults: ReadonlySignal<ConfigDefaults>,
  overrides: Signal<readonly Override[]> = signal(saved.peek()),
): ConfigLevelState {
  const draft = signal({ key: '', value: '' })
  const filter = signal('')
  const expanded = new Map<string, Signal<boolean>>()
  let previousRows: ReadonlyMap<string, ConfigRow> = new Map()
  const rows = computed(() => {
    const newRows = buildConfigRows(defaults.value.pairs, overrides.value)
    previousRows = new Map(newRows.map((row) => [row.key, reuseRow(previousRows.get(row.key), row)]))
    return previousRows
  })
  // Compared as text, so that the tree is rebuilt only for other keys, not for other values.
  const filteredKeys = computed(() => {
    const filterText = filter.value.trim()
    return [...rows.value.keys()].filter((key) => matchesFilter(key, filterText)).join('\0')
  })
  return {
    title,
    help,
    saved,
    overrides,
    defaults,
    rows,
    filter,
    draft,
    tree: computed(() => {
      if (filteredKeys.value === '') return []
      const keys = filteredKeys.value.split('\0')
      if (keys.length <= collapseAboveKeys) return buildKeyTree(keys)
      const overridden = new Set(saved.value.map(([key]) => key))
      return [
        ...keys.filter((key) => overridden.has(key)),
        ...buildKeyTree(keys.filter((key) => !overridden.has(key))),
      ]
    }),
    modifiedKeys: computed(() => new Set(diffOverrides(saved.value, overrides.value).map(({ key }) => key))),
    draftError: computed(() => {
      const { key, value } = draft.value
      const normalizedKey = normalizeKey(key)
      if (normalizedKey === '') return value === '' ? null : 'The new value needs a key.'
      return rows.value.has(normalizedKey)
        ? `${normalizedKey} is already in the list above.`
        : configKeyError(normalizedKey)
    }),
    validationError: computed(() => findValidationError(overrides.value)),
    isExpanded: (prefix) => {
      const existing =
        expanded.get(prefix) ??
        signal(rows.peek().size <= collapseAboveKeys || saved.peek().some(([key]) => key.startsWith(prefix)))
      expanded.set(prefix, existing)
      return existing
    },
  }
}

/** Adds the draft as a row, if it is valid. */
export function addDraft({ draft, draftError, overrides, defaults }: ConfigLevelState): void {
  const key = normalizeKey(draft.peek().key)
  if (key === '' || draftError.peek() !== null) return
  overrides.value = setValue(defaults.peek().pairs, overrides.peek(), key, draft.peek().value)
  draft.value = { key: '', value: '' }
}

function reuseRow(previous: ConfigRow | undefined, row: ConfigRow): ConfigRow {
  const same =
    previous?.value === row.value && previous.defaultValue === row.defaultValue && previous.kind === row.kind
  return same ? previous : row
}
