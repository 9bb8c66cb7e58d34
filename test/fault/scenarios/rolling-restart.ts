/**
 * SIGTERM to each of three runners and two servers in turn, after a new one has started. No work may be
 * interrupted, not even scripts that take longer than the lease.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { RowChange, Write } from '../checker/history.ts'
import { waitUntil } from '../faults/operations.ts'
import { nowMs } from '../harness/clock.ts'
import { startLoad } from '../harness/load-generator.ts'
import { readScriptHistory } from '../harness/process-observer.ts'
import type { Scenario } from './scenario.ts'

export const rollingRestart: Scenario = {
  title: 'rolling SIGTERM under load',
  settings: { SHUTDOWN_GRACE: '30', LEASE: '5', KILL_GRACE: '1' },
  servers: 2,
  runners: 3,
  pages: 4,
  async run(cluster, scale) {
    const rounds = scale(1)
    const load = startLoad(cluster, {
      deployments: 40,
      clients: 8,
      pauseMs: 300,
      // The longest script takes longer than the lease: a stopping runner keeps renewing it.
      behaviours: ['quick', 'sleep 1', 'sleep 4', 'tree 2', 'sleep 8'],
      cancelPercent: 0,
    })
    await sleep(4000)
    const runnerMs: number[] = []
    const serverMs: number[] = []
    let failedExits = 0
    let renewals = 0
    for (let round = 0; round < rounds; round += 1) {
      for (const runner of cluster.runners()) {
        await cluster.addRunner()
        const atMs = nowMs()
        const exitCode = await runner.stop()
        const goneMs = nowMs()
        if (exitCode !== 0) failedExits += 1
        // The runner waits for its scripts, so only the time after the last one counts.
        const writes = await cluster.journal.writes()
        renewals += writes.filter((write) => write.atMs > atMs && isRenewal(write, runner.name)).length
        const ownActions = new Set(
          writes.filter(({ program }) => program === runner.name).map(({ action }) => action),
        )
        const { ends } = await readScriptHistory(cluster.historyDir)
        const lastMs = Math.max(
          atMs,
          ...ends.filter(({ action }) => ownActions.has(action)).map((end) => end.atMs),
        )
        runnerMs.push(Math.max(0, goneMs - lastMs))
      }
      for (const server of cluster.servers()) {
        await cluster.addServer()
        const atMs = nowMs()
        if ((await server.stop()) !== 0) failedExits += 1
        serverMs.push(nowMs() - atMs)
      }
    }
    await load.stop()
    await waitUntil('all actions have ended', async () => (await cluster.journal.active()) === 0)
    const ends = lastChanges(await cluster.journal.writes())
    const interrupted = ends.filter(({ after }) => after?.state === 'interrupted')
    // A successful cleanup deletes the rows of its deployment.
    const others = ends.filter(({ after }) => after !== null && after.state !== 'succeeded')
    const states = [...new Set(others.map(({ after }) => after?.state))].join(', ')
    return {
      rounds: `${runnerMs.length} runners, ${serverMs.length} servers, ${ends.length} actions`,
      measurements: [
        { name: 'runner exited after its last script', budgetMs: 5000, timesMs: runnerMs },
        { name: 'server exited', budgetMs: null, timesMs: serverMs },
      ],
      counts: [
        { name: 'leases renewed while stopping', count: renewals, expected: { atLeast: 1 } },
        { name: 'interrupted', count: interrupted.length, expected: 0 },
        { name: `states other than succeeded ${states}`.trim(), count: others.length, expected: 0 },
        { name: 'exit codes other than 0', count: failedExits, expected: 0 },
      ],
    }
  },
}

function isRenewal(write: Write, program: string): boolean {
  if (write.type !== 'row' || write.program !== program) return false
  const [before, after] = [write.before, write.after]
  return (
    after?.state === 'running' && (after.leaseEndMs ?? 0) > (before?.leaseEndMs ?? Number.POSITIVE_INFINITY)
  )
}

/** The last change of each action. */
function lastChanges(writes: readonly Write[]): RowChange[] {
  const rows = writes.filter((write) => write.type === 'row')
  return [...new Map(rows.map((row) => [row.action, row])).values()]
}
