/** How we compare: ours and the floor in turn, several rounds, medians; machines are noisy, ratios less so. */

export function median(values: readonly number[]): number {
  return quantile(values, 0.5)
}

export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN
}

export type Compared = { ours: number; floor: number; ratio: number }

/** One round of both, number 0, is thrown away as warming up; who begins changes with every round. */
export async function inTurns(
  rounds: number,
  ours: (round: number) => Promise<number>,
  floor: (round: number) => Promise<number>,
): Promise<Compared> {
  const pairs: { ours: number; floor: number }[] = []
  for (let round = 0; round <= rounds; round += 1) {
    const pair = { ours: Number.NaN, floor: Number.NaN }
    if (round % 2 === 0) pair.ours = await ours(round)
    pair.floor = await floor(round)
    if (round % 2 === 1) pair.ours = await ours(round)
    if (round > 0) pairs.push(pair)
  }
  return {
    ours: median(pairs.map((pair) => pair.ours)),
    floor: median(pairs.map((pair) => pair.floor)),
    ratio: median(pairs.map((pair) => pair.ours / pair.floor)),
  }
}
