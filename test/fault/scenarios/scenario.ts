/** What a scenario of the long form is, and what it hands back: measured times beside their budgets, and what must be zero, or must have happened. */
import type { Cluster } from '../harness/cluster.ts'

/** `budgetMs` null: only shown. `of`: what must be within it, by default the longest. Times never fail the suite. */
export type Measurement = { what: string; budgetMs: number | null; of?: 'max' | 'p99'; timesMs: number[] }
/** A number that must be as said, e.g. how many were interrupted; fails the suite like a violated invariant. */
export type Count = { name: string; count: number; expected: 0 | { atLeast: number } }

export type ScenarioResult = { rounds: string; measurements: Measurement[]; counts?: Count[] }

export type Scenario = {
  title: string
  /** Settings of all programs, beside those of the rig. */
  environment?: Record<string, string>
  servers: number
  runners: number
  pages: number
  run(cluster: Cluster, rounds: (rounds: number) => number): Promise<ScenarioResult>
}

/** The value that `part` of all are at most. */
export function percentile(values: readonly number[], part: number): number {
  const sorted = values.toSorted((one, other) => one - other)
  return sorted[Math.max(0, Math.ceil(sorted.length * part) - 1)] ?? Number.NaN
}
