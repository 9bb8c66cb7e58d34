/** kill -9 of servers under 50 requests a second, every request sent again with its key until it is answered: none lost, none doubled. */
import { setTimeout as sleep } from 'node:timers/promises'
import { ask } from '../rig/asking.ts'
import { fatesOf } from './fates.ts'
import { freshKey, make } from './moves.ts'
import { percentile, type Scenario } from './scenario.ts'

const perSecond = 50
const deployments = 250

export const serverKilled: Scenario = {
  title: 'kill -9 of a server under 50 requests/s',
  servers: 3,
  runners: 2,
  pages: 2,
  async run(world, times) {
    const requests = times(2500)
    // An archive that does not come to its end can be asked for again and again: one script each, nothing before it.
    const names = Array.from({ length: deployments }, (_, at) => `again-${at}`)
    for (let at = 0; at < names.length; at += 25) await make(world, names.slice(at, at + 25))
    const from = world.asked.length
    let kills = 0
    let over = false
    const killing = (async () => {
      while (!over) {
        await sleep(world.random.between(1500, 4000))
        const servers = world.servers()
        if (over || servers.length < 2) continue
        kills += 1
        void world.random.pick(servers).kill()
        await world.server()
      }
    })()
    const under: Promise<unknown>[] = []
    const startedAt = performance.now()
    for (let request = 0; request < requests; request += 1) {
      const dueMs = (request * 1000) / perSecond
      await sleep(Math.max(0, dueMs - (performance.now() - startedAt)))
      const deployment = names[request % names.length] ?? ''
      under.push(
        ask(world.asked, world.urls, world.random, { key: freshKey('again'), kind: 'archive', deployment }),
      )
    }
    await Promise.all(under)
    const tookSeconds = (performance.now() - startedAt) / 1000
    over = true
    await killing
    await world.quiet()
    const mine = world.asked.slice(from)
    const accepted = mine.filter(({ answers }) => answers.some(({ is }) => is === 'accepted'))
    const repeated = mine.filter(({ answers }) => answers.length > 1).length
    const took = accepted.map(({ sentMs, answers }) => (answers.at(-1)?.atMs ?? sentMs) - sentMs)
    return {
      rounds: `${requests} requests in ${tookSeconds.toFixed(0)} s, ${accepted.length} accepted, ${repeated} sent again, ${kills} kills, p50 ${percentile(took, 0.5)} ms`,
      figures: [{ what: 'accepted, with all repetitions', budgetMs: null, timesMs: took }],
      counts: await fatesOf(world, mine),
    }
  },
}
