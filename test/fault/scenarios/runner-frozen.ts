/** SIGSTOP of runners for 5, 25 and 60 s in the middle of a script, many side by side, each with a script of its own. */
import type { World } from '../rig/world.ts'
import { freezeHolder } from './frozen.ts'
import { make } from './moves.ts'
import type { Scenario } from './scenario.ts'

const seconds = [5, 25, 60]
const atOnce = 12

export const runnerFrozen: Scenario = {
  title: 'SIGSTOP of a runner for 5, 25, 60 s',
  environment: { ACTION_CONCURRENCY: '1' },
  servers: 1,
  runners: atOnce + 1,
  pages: 2,
  async run(world, times) {
    const waves = times(1.25)
    const goneMs: number[] = []
    const settledMs: number[] = []
    const names = Array.from({ length: atOnce }, (_, at) => `frozen-${at}`)
    await make(world, names)
    let rounds = 0
    for (let wave = 0; wave < waves; wave += 1) {
      await Promise.all(
        names.map(async (name, at) => {
          const { goneMs: gone, settledMs: settled } = await freezeHolder(
            world,
            name,
            1000 * (seconds[at % 3] ?? 5),
          )
          rounds += 1
          if (gone !== null) {
            goneMs.push(gone)
            settledMs.push(settled)
          }
        }),
      )
    }
    return {
      rounds: `${rounds}, of them ${goneMs.length} beyond the lease`,
      figures: [
        { what: 'script tree gone', budgetMs: 21_000, timesMs: goneMs },
        { what: 'action settled', budgetMs: null, timesMs: settledMs },
      ],
      counts: [{ what: 'stale writes accepted', count: await staleWrites(world), must: 0 }],
    }
  },
}

/** The checker says which; this is the count for the table. */
async function staleWrites(world: World): Promise<number> {
  const { violations } = await world.check()
  return violations.filter(({ invariant }) => invariant === 'I4').length
}
