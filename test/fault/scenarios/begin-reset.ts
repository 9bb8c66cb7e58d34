/** The connection is reset just before or just after the COMMIT of a begin, the server lives on: the same key is one action. */
import { ask } from '../rig/asking.ts'
import type { Verdict } from '../rig/pg-proxy.ts'
import { fatesOf } from './fates.ts'
import { allRunning, ended, freshKey, make } from './moves.ts'
import type { Scenario } from './scenario.ts'
import { steps } from './steps.ts'

const lanes = 10

export const beginReset: Scenario = {
  title: 'connections reset before and after COMMIT',
  servers: 2,
  runners: 2,
  pages: 2,
  async run(world, times) {
    const perLane = times(10)
    const names = Array.from({ length: lanes }, (_, at) => `reset-${at}`)
    await make(world, names)
    // A begin is one statement, which PostgreSQL commits by itself: before it is before, its answer is after the commit.
    const waiting = new Map<string, Verdict>()
    let resets = 0
    const takeBack = world.judge((_, { statement, values }) => {
      const key = values.find((value) => waiting.has(value))
      if (key === undefined || !steps.begin.statement.test(statement)) return 'pass'
      const verdict = waiting.get(key) ?? 'pass'
      waiting.delete(key)
      resets += 1
      return verdict
    })
    const keys = new Set<string>()
    const unkept: string[] = []
    await Promise.all(
      names.map(async (deployment, lane) => {
        for (let count = 0; count < perLane; count += 1) {
          const key = freshKey('reset')
          keys.add(key)
          waiting.set(key, (lane + count) % 2 === 0 ? 'cut-before' : 'cut-after')
          const intention = { key, kind: 'update', deployment, behave: 'quick' } as const
          const answer = await ask(world.asked, world.urls, world.random, intention)
          if (answer?.is === 'accepted') {
            await ended(world, answer.action)
            await allRunning(world, [deployment])
          } else unkept.push(answer?.code ?? 'never answered')
        }
      }),
    )
    takeBack()
    await world.quiet()
    const mine = world.asked.filter(({ key }) => keys.has(key))
    const again = mine.filter(({ answers }) => answers.length > 1).length
    return {
      rounds: `${keys.size} keys, half of them each way, ${again} sent again by the client`,
      figures: [],
      counts: [
        { what: 'resets', count: resets, must: { atLeast: keys.size } },
        { what: `not accepted ${unkept.join(', ')}`.trim(), count: unkept.length, must: 0 },
        ...(await fatesOf(world, mine)),
      ],
    }
  },
}
