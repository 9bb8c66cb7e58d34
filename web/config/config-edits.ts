/**
 * One config level as rows (defaults with overrides on top), and edits of single keys. Pure functions for the form and the config
 * table.
 */
import { diffOverrides } from '../../client/config-diff.ts'
import {
  configKeyError,
  configValueError,
  type KeyValue,
  type Override,
  valueAdded as setTo,
  valueDeleted,
} from '../../domain/overrides.ts'

/** `defaultValue`: null without a default. `value`: null when the key is removed. */
export type ConfigRow = {
  key: string
  defaultValue: string | null
  value: string | null
  kind: 'default' | 'changed' | 'added' | 'removed'
}

/** Returns the defaults in their order, then the added keys. */
export function buildConfigRows(defaults: readonly KeyValue[], overrides: readonly Override[]): ConfigRow[] {
  const overrideOf = new Map(overrides)
  const rows = defaults.map(([key, standard]): ConfigRow => {
    const override = overrideOf.get(key)
    overrideOf.delete(key)
    if (override === undefined) return { key, defaultValue: standard, value: standard, kind: 'default' }
    if (override.tag === 'ValueDeleted') return { key, defaultValue: standard, value: null, kind: 'removed' }
    return { key, defaultValue: standard, value: override.contents, kind: 'changed' }
  })
  for (const [key, override] of overrideOf) {
    rows.push(
      override.tag === 'ValueAdded'
        ? { key, defaultValue: null, value: override.contents, kind: 'added' }
        : { key, defaultValue: null, value: null, kind: 'removed' },
    )
  }
  return rows
}

/** Setting the default value removes the override. */
export function setValue(
  defaults: readonly KeyValue[],
  overrides: readonly Override[],
  key: string,
  value: string,
): Override[] {
  const defaultValue = new Map(defaults).get(key)
  return defaultValue === value ? without(overrides, key) : upsert(overrides, setTo(key, value))
}

/** A key with a default is marked as removed; an added key disappears. */
export function removeKey(
  defaults: readonly KeyValue[],
  overrides: readonly Override[],
  key: string,
): Override[] {
  return new Map(defaults).has(key) ? upsert(overrides, valueDeleted(key)) : without(overrides, key)
}

/** Restores the saved override. If the key is unchanged, restores the default. */
export function undoChange(
  savedOverrides: readonly Override[],
  overrides: readonly Override[],
  key: string,
): Override[] {
  const savedOverride = savedOverrides.find(([name]) => name === key)
  const isUnchanged = diffOverrides(savedOverrides, overrides).every((change) => change.key !== key)
  return savedOverride === undefined || isUnchanged
    ? without(overrides, key)
    : upsert(overrides, savedOverride)
}

/**
 * Applies the changes between `base` and `edited` to `remote`. If both changed a key, the edited value wins.
 */
export function rebaseOverrides(
  base: readonly Override[],
  edited: readonly Override[],
  remote: readonly Override[],
): Override[] {
  const editedValues = new Map(edited)
  return diffOverrides(base, edited).reduce<Override[]>(
    (result, { key }) => {
      const value = editedValues.get(key)
      return value === undefined ? without(result, key) : upsert(result, [key, value])
    },
    [...remote],
  )
}

/** Returns the first validation error; null when there is none. */
export function findValidationError(overrides: readonly Override[]): string | null {
  for (const [key, value] of overrides) {
    const error =
      configKeyError(key) ?? (value.tag === 'ValueAdded' ? configValueError(key, value.contents) : null)
    if (error !== null) return error
  }
  return null
}

const without = (overrides: readonly Override[], key: string) => overrides.filter(([name]) => name !== key)

/** Keeps the position of an existing key. */
function upsert(overrides: readonly Override[], override: Override): Override[] {
  const exists = overrides.some(([key]) => key === override[0])
  return exists
    ? overrides.map((current) => (current[0] === override[0] ? override : current))
    : [...overrides, override]
}
