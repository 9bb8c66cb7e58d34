/**
 * The types of a scenario and of its result: measured times with their budgets, and counts with their
 * expected values.
 */
import type { Cluster } from '../harness/cluster.ts'

/**
 * `budgetMs` null: the times are only shown. `percentile`: which of them the budget is for, by default the
 * maximum. A time beyond its budget never fails the suite.
 */
export type Measurement = {
  name: string
  budgetMs: number | null
  percentile?: 'max' | 'p99'
  timesMs: number[]
}
/** A number, e.g. of interrupted actions. An unexpected value fails the suite like a violated invariant. */
export type Count = { name: string; count: number; expected: 0 | { atLeast: number } }

export type ScenarioResult = { rounds: string; measurements: Measurement[]; counts?: Count[] }

export type Scenario = {
  title: string
  /** Settings of all programs, in addition to those of the harness. */
  settings?: Record<string, string>
  servers: number
  runners: number
  pages: number
  /** `scale` multiplies a number of rounds by ROUNDS. */
  run(cluster: Cluster, scale: (rounds: number) => number): Promise<ScenarioResult>
}

/** The smallest value that is at least as large as `share` of all values. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((one, other) => one - other)
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? Number.NaN
}
