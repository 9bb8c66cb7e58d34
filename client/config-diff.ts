/**
 * The differences of two configs or of two sets of overrides. Pure functions for the page's form and action list, and for octo's
 * commands that print a diff.
 */
import type { ByLevel, KeyValue, Override } from '../domain/overrides.ts'
import { isSecretReference } from '../domain/secrets/secret-reference.ts'

/** `undefined`: that side does not have the key. */
export type ValueChange<Value> = { key: string; before: Value | undefined; after: Value | undefined }

/** A change of overrides. `null`: the key is removed. `undefined`: there is no override. */
export type ConfigChange = ValueChange<string | null> & {
  /** What counts without an override, where it is known. */
  defaultValue?: string | undefined
}

/** Lists the keys whose values differ: those of `before` in their order, then those that only `after` has. */
export function diffValues<Value>(
  before: Iterable<readonly [key: string, value: Value]>,
  after: Iterable<readonly [key: string, value: Value]>,
): ValueChange<Value>[] {
  const valuesBefore = new Map(before)
  const valuesAfter = new Map(after)
  return [...new Set([...valuesBefore.keys(), ...valuesAfter.keys()])]
    .map((key) => ({ key, before: valuesBefore.get(key), after: valuesAfter.get(key) }))
    .filter((change) => change.before !== change.after)
}

/** Lists the keys whose overrides differ. */
export const diffOverrides = (before: readonly Override[], after: readonly Override[]): ConfigChange[] =>
  diffValues(before.map(toContents), after.map(toContents))

const toContents = ([key, value]: Override) =>
  [key, value.tag === 'ValueDeleted' ? null : value.contents] as const

type Overrides = ByLevel<readonly Override[]>

/** With the defaults of each level, where they are known. */
export function diffBothLevels(
  before: Overrides,
  after: Overrides,
  defaults: ByLevel<readonly KeyValue[]> = { application: [], deployment: [] },
): ConfigChange[] {
  return (['application', 'deployment'] as const).flatMap((level) => {
    const known = new Map(defaults[level])
    return diffOverrides(before[level], after[level]).map((change) =>
      known.has(change.key) ? { ...change, defaultValue: known.get(change.key) } : change,
    )
  })
}

/** Both values are secret: the references say that the secret has changed, and nothing else. */
export const isSecretChange = ({ before, after }: Pick<ConfigChange, 'before' | 'after'>): boolean =>
  typeof before === 'string' &&
  typeof after === 'string' &&
  isSecretReference(before) &&
  isSecretReference(after)
