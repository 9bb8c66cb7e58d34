/** The differences between two configs of one level. Called by commands/config/diff.ts. */
import type { KeyValue } from '../../domain/overrides.ts'
import type { LevelName } from '../overrides/level-names.ts'

/** `from` or `to` is null when that config does not have the key. */
export type Difference = {
  level: LevelName
  key: string
  from: string | null
  to: string | null
}

/** Sorted by key. */
export function diffConfigs(
  level: LevelName,
  from: readonly KeyValue[],
  to: readonly KeyValue[],
): Difference[] {
  const fromValues = new Map(from)
  const toValues = new Map(to)
  return [...new Set([...fromValues.keys(), ...toValues.keys()])]
    .sort()
    .map((key) => ({ level, key, from: fromValues.get(key) ?? null, to: toValues.get(key) ?? null }))
    .filter((difference) => difference.from !== difference.to)
}
