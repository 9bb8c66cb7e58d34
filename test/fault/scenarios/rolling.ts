/** SIGTERM to each of three runners and two servers in turn, a new one in its place each time: nobody's work is interrupted. */
import { setTimeout as sleep } from 'node:timers/promises'
import { rowChanges } from '../checker/history.ts'
import { nowMs } from '../rig/clock.ts'
import { startLoad } from '../rig/load.ts'
import { readScripts } from '../rig/witness.ts'
import type { Scenario } from './scenario.ts'

export const rolling: Scenario = {
  title: 'rolling SIGTERM under load',
  environment: { SHUTDOWN_GRACE: '30' },
  servers: 2,
  runners: 3,
  pages: 4,
  async run(world, times) {
    const rounds = times(1)
    const load = startLoad(world, {
      deployments: 40,
      clients: 8,
      pauseMs: 300,
      behaviours: ['quick', 'sleep 1', 'sleep 4', 'tree 2'],
      cancelPercent: 0,
    })
    await sleep(4000)
    const runnerMs: number[] = []
    const serverMs: number[] = []
    let refusedExits = 0
    for (let round = 0; round < rounds; round += 1) {
      for (const runner of world.runners()) {
        await world.runner()
        const atMs = nowMs()
        if ((await runner.stop()) !== 0) refusedExits += 1
        // What counts is the time after its last script, which it had to wait for.
        const { writes } = (await world.check()).history
        const own = new Set(writes.filter(({ by }) => by === runner.name).map(({ action }) => action))
        const { ends } = await readScripts(world.dir)
        const lastMs = Math.max(atMs, ...ends.filter(({ action }) => own.has(action)).map((end) => end.atMs))
        runnerMs.push(Math.max(0, nowMs() - lastMs))
      }
      for (const server of world.servers()) {
        await world.server()
        const atMs = nowMs()
        if ((await server.stop()) !== 0) refusedExits += 1
        serverMs.push(nowMs() - atMs)
      }
    }
    await load.stop()
    await world.quiet()
    const { history } = await world.check()
    const interrupted = rowChanges(history).filter(({ after }) => after?.state === 'interrupted').length
    return {
      rounds: `${runnerMs.length} runners, ${serverMs.length} servers, ${history.runs.length} scripts meanwhile`,
      figures: [
        { what: 'runner gone after its last script', budgetMs: 5000, timesMs: runnerMs },
        { what: 'server gone', budgetMs: null, timesMs: serverMs },
      ],
      counts: [
        { what: 'interrupted', count: interrupted, must: 0 },
        { what: 'exit codes other than 0', count: refusedExits, must: 0 },
      ],
    }
  },
}
