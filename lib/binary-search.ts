/**
 * Binary search. Used by the page's sorted list and long lists. Returns the first index below `count` for
 * which the predicate is true, or `count`. The predicate must stay true after the first true index.
 */
export function lowerBound(count: number, predicate: (index: number) => boolean): number {
  let [low, high] = [0, count]
  while (low < high) {
    const middle = (low + high) >> 1
    if (predicate(middle)) high = middle
    else low = middle + 1
  }
  return low
}
