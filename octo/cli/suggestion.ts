/** Suggests words for a mistyped one. Called by usage-errors.ts and config/key-check.ts. */

/** ` Did you mean …?` with the most similar words, or an empty text. */
export function suggestion(input: string, candidates: readonly string[]): string {
  const distances = candidates.map((word) => editDistance(input, word))
  const minDistance = Math.min(...distances)
  const nearest =
    minDistance > (input.length < 4 ? 1 : 2)
      ? []
      : candidates.filter((_, index) => distances[index] === minDistance)
  return nearest.length === 0 ? '' : ` Did you mean ${nearest.join(' or ')}?`
}

/** The Levenshtein distance; the same letters in another order count as one mistake. */
function editDistance(left: string, right: string): number {
  if ([...left].sort().join() === [...right].sort().join()) return left === right ? 0 : 1
  let row = Array.from({ length: right.length + 1 }, (_, index) => index)
  for (const [index, letter] of [...left.slice(0, 40)].entries()) {
    const next = [index + 1]
    for (let column = 0; column < right.length; column += 1) {
      const substitution = (row[column] ?? 0) + (letter === right[column] ? 0 : 1)
      next.push(Math.min(substitution, (row[column + 1] ?? 0) + 1, (next[column] ?? 0) + 1))
    }
    row = next
  }
  return row.at(-1) ?? 0
}
