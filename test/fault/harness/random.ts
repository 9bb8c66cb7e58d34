/** Chance that can be repeated: the same seed makes the same plan. */

export type Random = {
  /** A whole number from 0 to below `limit`. */
  below(limit: number): number
  between(least: number, most: number): number
  pick<T>(from: readonly T[]): T
  /** Chance of its own for a part of the rig, so that one part's need does not change another's. */
  fork(): Random
}

export function createRandom(seed: number): Random {
  let state = seed | 0
  /** mulberry32 */
  const next = () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  const below = (limit: number) => Math.floor(next() * limit)
  return {
    below,
    between: (least, most) => least + next() * (most - least),
    pick: (from) => {
      if (from.length === 0) throw new RangeError('nothing to pick from')
      return from[below(from.length)] as (typeof from)[number]
    },
    fork: () => createRandom(below(2 ** 31)),
  }
}
