/** What differs between two configs of one level. Pure. Called by commands/diff.ts. */
import type { ConfigLevel, KeyValue } from '../../domain/overrides.ts'

/** Null: the key is not there on that side. */
export type Difference = {
  level: ConfigLevel
  key: string
  from: string | null
  to: string | null
}

/** By key, in the order of the alphabet. */
export function diffConfigs(
  level: Difference['level'],
  one: readonly KeyValue[],
  other: readonly KeyValue[],
): Difference[] {
  const [before, after] = [new Map(one), new Map(other)]
  return [...new Set([...before.keys(), ...after.keys()])]
    .sort()
    .map((key) => ({ level, key, from: before.get(key) ?? null, to: after.get(key) ?? null }))
    .filter(({ from, to }) => from !== to)
}
