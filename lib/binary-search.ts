/** The first of `count` places for which it is so; `count` when for none. What is so for one is so for all after it. */
export function lowerBound(count: number, predicate: (index: number) => boolean): number {
  let [low, high] = [0, count]
  while (low < high) {
    const middle = (low + high) >> 1
    if (predicate(middle)) high = middle
    else low = middle + 1
  }
  return low
}
