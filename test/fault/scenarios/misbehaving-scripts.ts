/**
 * Scripts that misbehave, cancelled or left to end: none may leave a process, and none may fill the memory of
 * the runner.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  createDeployments,
  startAction,
  waitForActionEnd,
  waitForProcessesGone,
  waitForScriptStart,
} from '../faults/operations.ts'
import { nowMs } from '../harness/clock.ts'
import { cancelAction } from '../harness/http-client.ts'
import type { Count, Scenario } from './scenario.ts'

type MisbehavingScript = { behaviour: string; cancelAfterMs?: number; expectedState: string }

const scripts: MisbehavingScript[] = [
  { behaviour: 'children/starts-session', cancelAfterMs: 800, expectedState: 'cancelled' },
  { behaviour: 'exit/ignores-term', cancelAfterMs: 800, expectedState: 'cancelled' },
  { behaviour: 'exit/exits-zero-after-term', cancelAfterMs: 800, expectedState: 'cancelled' },
  { behaviour: 'children/forks-endlessly', cancelAfterMs: 1500, expectedState: 'cancelled' },
  { behaviour: 'children/forks-deep 5', cancelAfterMs: 800, expectedState: 'cancelled' },
  { behaviour: 'exit/stops-itself', cancelAfterMs: 800, expectedState: 'cancelled' },
  { behaviour: 'output/prints-forever', cancelAfterMs: 4000, expectedState: 'cancelled' },
  { behaviour: 'gigabyte', expectedState: 'succeeded' },
  { behaviour: 'output/holds-stdout', expectedState: 'succeeded' },
  { behaviour: 'output/broken-utf8', expectedState: 'succeeded' },
  { behaviour: 'output/prints-nul', expectedState: 'succeeded' },
  { behaviour: 'exit/kills-itself', expectedState: 'failed' },
]

const graceMs = 2000
const MiB = 1024 * 1024
const budgetMiB = 64
const ordinaryRounds = 4
const ordinary = (round: number) => Array.from({ length: 10 }, (_, at) => `ordinary-${round}-${at}`)

export const misbehavingScripts: Scenario = {
  title: 'misbehaving scripts',
  settings: { KILL_GRACE: String(graceMs / 1000) },
  servers: 1,
  runners: 1,
  pages: 1,
  async run(cluster, scale) {
    const rounds = scale(2)
    const names = scripts.map((_, at) => `misbehaving-${at}`)
    await createDeployments(cluster, names)
    const runner = cluster.runners()[0]
    const settledMs: number[] = []
    const wrong: string[] = []
    let survivors = 0
    // Ordinary actions first: the runner allocates what it needs only once.
    for (let round = 0; round < ordinaryRounds; round += 1) await createDeployments(cluster, ordinary(round))
    const beforeBytes = memory(runner?.pid, 'VmRSS')
    let peak = { behaviour: 'none', bytes: 0 }
    for (let round = 0; round < rounds; round += 1) {
      for (const [at, { behaviour, cancelAfterMs, expectedState }] of scripts.entries()) {
        resetPeakMemory(runner?.pid)
        const action = await startAction(cluster, names[at] ?? '', 'update', behaviour)
        if (cancelAfterMs !== undefined) {
          await waitForScriptStart(cluster, action)
          await sleep(cancelAfterMs)
          const cancelledMs = nowMs()
          await cancelAction(cluster.serverUrls()[0], action)
          settledMs.push((await waitForActionEnd(cluster, action, 180_000)).atMs - cancelledMs)
        }
        const state = (await waitForActionEnd(cluster, action, 180_000)).state
        if (state !== expectedState) wrong.push(`${behaviour}: ${state}`)
        survivors += await waitForProcessesGone(cluster, action, 100).then(
          () => 0,
          () => 1,
        )
        const bytes = memory(runner?.pid, 'VmHWM')
        if (!(bytes <= peak.bytes)) peak = { behaviour, bytes }
      }
    }
    const grown = Math.round((peak.bytes - beforeBytes) / MiB)
    const counts: Count[] = [
      { name: 'surviving processes', count: survivors, expected: 0 },
      { name: `unexpected states ${wrong.join(', ')}`.trim(), count: wrong.length, expected: 0 },
      {
        name: `MiB of memory growth beyond ${budgetMiB}`,
        count: Math.max(0, grown - budgetMiB),
        expected: 0,
      },
    ]
    return {
      rounds: `${rounds} of each of ${scripts.length}; the runner's memory grew by ${grown} MiB at most (${peak.behaviour}), from ${Math.round(beforeBytes / MiB)}`,
      measurements: [{ name: 'ended after cancel', budgetMs: graceMs + 3000, timesMs: settledMs }],
      counts,
    }
  },
}

/** VmRSS: the memory now. VmHWM: the peak since the start or the last reset. Throws when the runner has ended. */
function memory(pid: number | undefined, name: 'VmRSS' | 'VmHWM'): number {
  const [, kb] = new RegExp(`${name}:\\s+(\\d+)`).exec(readFileSync(`/proc/${pid}/status`, 'latin1')) ?? []
  return Number(kb) * 1024
}

/** Writing 5 to clear_refs sets the peak to the current value (proc(5)). */
function resetPeakMemory(pid: number | undefined): void {
  writeFileSync(`/proc/${pid}/clear_refs`, '5')
}
