/**
 * Compares Octopod with the baseline: both in turn, several rounds, medians. The machine is noisy, but the
 * ratio within a round is stable.
 */
export function median(values: readonly number[]): number {
  return quantile(values, 0.5)
}

export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN
}

export type Comparison = { octopod: number; baseline: number; ratio: number }

/** Round 0 warms up and does not count. The order changes with every round. */
export async function compareInRounds(
  rounds: number,
  octopod: (round: number) => Promise<number>,
  baseline: (round: number) => Promise<number>,
): Promise<Comparison> {
  const pairs: { octopod: number; baseline: number }[] = []
  for (let round = 0; round <= rounds; round += 1) {
    const pair = { octopod: Number.NaN, baseline: Number.NaN }
    if (round % 2 === 0) pair.octopod = await octopod(round)
    pair.baseline = await baseline(round)
    if (round % 2 === 1) pair.octopod = await octopod(round)
    if (round > 0) pairs.push(pair)
  }
  return {
    octopod: median(pairs.map((pair) => pair.octopod)),
    baseline: median(pairs.map((pair) => pair.baseline)),
    ratio: median(pairs.map((pair) => pair.octopod / pair.baseline)),
  }
}
