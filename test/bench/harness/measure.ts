/** How we compare: ours and the floor in turn, several rounds, medians; machines are noisy, ratios less so. */

export function median(values: readonly number[]): number {
  return quantile(values, 0.5)
}

export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN
}

export type Comparison = { ours: number; baseline: number; ratio: number }

/** One round of both, number 0, is thrown away as warming up; who begins changes with every round. */
export async function compareInRounds(
  rounds: number,
  ours: (round: number) => Promise<number>,
  baseline: (round: number) => Promise<number>,
): Promise<Comparison> {
  const pairs: { ours: number; baseline: number }[] = []
  for (let round = 0; round <= rounds; round += 1) {
    const pair = { ours: Number.NaN, baseline: Number.NaN }
    if (round % 2 === 0) pair.ours = await ours(round)
    pair.baseline = await baseline(round)
    if (round % 2 === 1) pair.ours = await ours(round)
    if (round > 0) pairs.push(pair)
  }
  return {
    ours: median(pairs.map((pair) => pair.ours)),
    baseline: median(pairs.map((pair) => pair.baseline)),
    ratio: median(pairs.map((pair) => pair.ours / pair.baseline)),
  }
}
