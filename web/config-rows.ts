/** One config level as rows: defaults with overrides on top, and what editing one key does to the overrides. Pure. */
import {
  keyProblem,
  type Override,
  type Pair,
  removed,
  added as setTo,
  valueProblem,
} from '../domain/overrides.ts'

/** `standard`: the default, null when there is none. `value`: null when removed. */
export type ConfigRow = {
  key: string
  standard: string | null
  value: string | null
  kind: 'default' | 'changed' | 'added' | 'removed'
}

/** Defaults in their order, then added keys in theirs. */
export function configRows(defaults: readonly Pair[], overrides: readonly Override[]): ConfigRow[] {
  const given = new Map(overrides)
  const rows = defaults.map(([key, standard]): ConfigRow => {
    const override = given.get(key)
    given.delete(key)
    if (override === undefined) return { key, standard, value: standard, kind: 'default' }
    if (override.tag === 'ValueDeleted') return { key, standard, value: null, kind: 'removed' }
    return { key, standard, value: override.contents, kind: 'changed' }
  })
  for (const [key, override] of given) {
    rows.push(
      override.tag === 'ValueAdded'
        ? { key, standard: null, value: override.contents, kind: 'added' }
        : { key, standard: null, value: null, kind: 'removed' },
    )
  }
  return rows
}

/** Typing the default again is the same as never having touched the key. */
export function setValue(
  defaults: readonly Pair[],
  overrides: readonly Override[],
  key: string,
  value: string,
): Override[] {
  const standard = new Map(defaults).get(key)
  return standard === value ? without(overrides, key) : put(overrides, setTo(key, value))
}

/** A default is taken out; a key of one's own simply goes. */
export function removeKey(
  defaults: readonly Pair[],
  overrides: readonly Override[],
  key: string,
): Override[] {
  return new Map(defaults).has(key) ? put(overrides, removed(key)) : without(overrides, key)
}

/** Back to what was there when the form opened; where that is so already, back to the default. */
export function undoKey(
  initial: readonly Override[],
  overrides: readonly Override[],
  key: string,
): Override[] {
  const before = initial.find(([name]) => name === key)
  const isAsBefore = changesBetween(initial, overrides).every((change) => change.key !== key)
  return before === undefined || isAsBefore ? without(overrides, key) : put(overrides, before)
}

/** `null`: the key is removed; `undefined`: nothing is said about it. */
export type Change = { key: string; before: string | null | undefined; after: string | null | undefined }

/** What led from one set of overrides to the next. */
export function changesBetween(before: readonly Override[], after: readonly Override[]): Change[] {
  const old = new Map(before)
  const now = new Map(after)
  return [...new Set([...old.keys(), ...now.keys()])]
    .map((key) => ({ key, before: contents(old.get(key)), after: contents(now.get(key)) }))
    .filter((change) => change.before !== change.after)
}

/** Of both levels, as they are on the wire. */
export type Overrides = { app_overrides: readonly Override[]; deployment_overrides: readonly Override[] }
export const noOverrides: Overrides = { app_overrides: [], deployment_overrides: [] }

export const changesOfBoth = (before: Overrides, after: Overrides): Change[] => [
  ...changesBetween(before.app_overrides, after.app_overrides),
  ...changesBetween(before.deployment_overrides, after.deployment_overrides),
]

/** What was changed in a form, on top of what others have saved since it opened: where both changed a key, the form wins. */
export function rebased(
  initial: readonly Override[],
  edited: readonly Override[],
  saved: readonly Override[],
): Override[] {
  const given = new Map(edited)
  return changesBetween(initial, edited).reduce<Override[]>(
    (result, { key }) => {
      const value = given.get(key)
      return value === undefined ? without(result, key) : put(result, [key, value])
    },
    [...saved],
  )
}

/** What is wrong with the overrides of a level: the first problem; null when there is none. */
export function problemOf(overrides: readonly Override[]): string | null {
  for (const [key, value] of overrides) {
    const problem = keyProblem(key) ?? (value.tag === 'ValueAdded' ? valueProblem(key, value.contents) : null)
    if (problem !== null) return problem
  }
  return null
}

const contents = (value: Override[1] | undefined) => (value?.tag === 'ValueDeleted' ? null : value?.contents)
const without = (overrides: readonly Override[], key: string) => overrides.filter(([name]) => name !== key)

/** In its old place if it has one. */
function put(overrides: readonly Override[], override: Override): Override[] {
  const there = overrides.some(([key]) => key === override[0])
  return there ? overrides.map((one) => (one[0] === override[0] ? override : one)) : [...overrides, override]
}
