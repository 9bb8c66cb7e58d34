/** Random numbers that can be repeated: the same seed gives the same plan of faults. */

export type Random = {
  /** A whole number from 0 to below `limit`. */
  below(limit: number): number
  between(min: number, max: number): number
  pick<T>(from: readonly T[]): T
  /**
   * An independent sequence for one part of a test, so that the numbers one part takes do not change those of
   * another.
   */
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
    between: (min, max) => min + next() * (max - min),
    pick: (from) => {
      if (from.length === 0) throw new RangeError('cannot pick from an empty list')
      return from[below(from.length)] as (typeof from)[number]
    },
    fork: () => createRandom(below(2 ** 31)),
  }
}
