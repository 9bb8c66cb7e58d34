/**
 * Counts the checks that ran at the same time as the script of an action of their deployment, or as another check of it.
 * Measured, not an invariant: nobody ends a check whose runner and watchdog were killed.
 */
import { type CheckRun, type History, toleranceMs } from './history.ts'
import { lastAliveMs } from './overlap.ts'

type Span = { fromMs: number; untilMs: number; deployment: string }
/** How long each check ran beside the script of an action, and beside another check. */
export type CheckOverlaps = { besideActionsMs: number[]; besideChecksMs: number[] }

export function findCheckOverlaps(history: History): CheckOverlaps {
  const checks = history.checks.map(toSpan)
  const runs = history.runs.map((run) => ({
    fromMs: run.atMs,
    untilMs: lastAliveMs(history, run),
    deployment: run.deployment,
  }))
  return {
    besideActionsMs: checks.flatMap((check) => overlapsMs(check, runs)),
    besideChecksMs: checks.flatMap((check, at) => overlapsMs(check, checks.slice(at + 1))),
  }
}

const toSpan = ({ atMs, lastAliveMs: untilMs, deployment }: CheckRun): Span => ({
  fromMs: atMs,
  untilMs,
  deployment,
})

function overlapsMs(one: Span, others: readonly Span[]): number[] {
  return others
    .filter(({ deployment }) => deployment === one.deployment)
    .map(({ fromMs, untilMs }) => Math.min(untilMs, one.untilMs) - Math.max(fromMs, one.fromMs))
    .filter((overlapMs) => overlapMs > toleranceMs)
}
