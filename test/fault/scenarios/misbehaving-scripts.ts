/** Scripts that do everything wrong, cancelled after a while or left to their end: none leaves a process, none fills the runner. */
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

/** `cancel`: after so many ms. `state`: how the action must end. */
type MisbehavingScript = { behaviour: string; cancelAfterMs?: number; expectedState: string }

const scripts: MisbehavingScript[] = [
  { behaviour: 'escapes', cancelAfterMs: 800, expectedState: 'cancelled' },
  { behaviour: 'ignores-term', cancelAfterMs: 800, expectedState: 'cancelled' },
  { behaviour: 'exits-zero-after-term', cancelAfterMs: 800, expectedState: 'cancelled' },
  { behaviour: 'forks-endlessly', cancelAfterMs: 1500, expectedState: 'cancelled' },
  { behaviour: 'forks-deep 5', cancelAfterMs: 800, expectedState: 'cancelled' },
  { behaviour: 'stops-itself', cancelAfterMs: 800, expectedState: 'cancelled' },
  { behaviour: 'prints-forever', cancelAfterMs: 4000, expectedState: 'cancelled' },
  { behaviour: 'gigabyte', expectedState: 'succeeded' },
  { behaviour: 'holds-stdout', expectedState: 'succeeded' },
  { behaviour: 'broken-utf8', expectedState: 'succeeded' },
  { behaviour: 'prints-nul', expectedState: 'succeeded' },
  { behaviour: 'kills-itself', expectedState: 'failed' },
]

const graceMs = 2000
const MiB = 1024 * 1024
const budgetMiB = 64
const ordinaryRounds = 4
const ordinary = (round: number) => Array.from({ length: 10 }, (_, at) => `ordinary-${round}-${at}`)

export const misbehavingScripts: Scenario = {
  title: 'nasty scripts',
  environment: { KILL_GRACE: String(graceMs / 1000) },
  servers: 1,
  runners: 1,
  pages: 1,
  async run(cluster, times) {
    const rounds = times(2)
    const names = scripts.map((_, at) => `nasty-${at}`)
    await createDeployments(cluster, names)
    const runner = cluster.runners()[0]
    const settledMs: number[] = []
    const wrong: string[] = []
    let survivors = 0
    // First: room for what every runner needs once.
    for (let round = 0; round < ordinaryRounds; round += 1) await createDeployments(cluster, ordinary(round))
    const beforeBytes = memory(runner?.pid, 'VmRSS')
    let most = { behave: 'none', bytes: 0 }
    for (let round = 0; round < rounds; round += 1) {
      for (const [at, { behaviour, cancelAfterMs, expectedState }] of scripts.entries()) {
        resetPeakMemory(runner?.pid)
        const action = await startAction(cluster, names[at] ?? '', 'update', behaviour)
        if (cancelAfterMs !== undefined) {
          await waitForScriptStart(cluster, action)
          await sleep(cancelAfterMs)
          const askedMs = nowMs()
          await cancelAction(cluster.serverUrls()[0], action)
          settledMs.push((await waitForActionEnd(cluster, action, 180_000)).atMs - askedMs)
        }
        const is = (await waitForActionEnd(cluster, action, 180_000)).state
        if (is !== expectedState) wrong.push(`${behaviour}: ${is}`)
        survivors += await waitForProcessesGone(cluster, action, 100).then(
          () => 0,
          () => 1,
        )
        const bytes = memory(runner?.pid, 'VmHWM')
        if (!(bytes <= most.bytes)) most = { behave: behaviour, bytes }
      }
    }
    const grown = Math.round((most.bytes - beforeBytes) / MiB)
    const counts: Count[] = [
      { name: 'survivors', count: survivors, expected: 0 },
      { name: `ends other than they must be ${wrong.join(', ')}`.trim(), count: wrong.length, expected: 0 },
      { name: `MiB of growth beyond ${budgetMiB}`, count: Math.max(0, grown - budgetMiB), expected: 0 },
    ]
    return {
      rounds: `${rounds} of each of ${scripts.length}; the runner's memory grew by ${grown} MiB at most (${most.behave}), from ${Math.round(beforeBytes / MiB)}`,
      measurements: [{ what: 'settled after cancel', budgetMs: graceMs + 3000, timesMs: settledMs }],
      counts,
    }
  },
}

/** VmRSS: now. VmHWM: the most since it began, or since that was forgotten. Throws when the runner has ended. */
function memory(pid: number | undefined, what: 'VmRSS' | 'VmHWM'): number {
  const [, kb] = new RegExp(`${what}:\\s+(\\d+)`).exec(readFileSync(`/proc/${pid}/status`, 'latin1')) ?? []
  return Number(kb) * 1024
}

/** proc(5), clear_refs: 5 sets the peak to what there is now. */
function resetPeakMemory(pid: number | undefined): void {
  writeFileSync(`/proc/${pid}/clear_refs`, '5')
}
