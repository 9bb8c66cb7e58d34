import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { watchRunners } from '../../../functions/live/runner-presence.ts'

describe('the watch for runners', () => {
  it('Two checks without a runner are told, an unknown number and one missing check are not', async (context) => {
    context.mock.timers.enable({ apis: ['setTimeout'] })
    const counts: (number | null)[] = [1, 0, 1, 0, 0, 0, 2, null, null]
    const told: boolean[] = []
    const stop = watchRunners(
      { countRunners: async () => counts.shift() ?? null },
      { setRunnerMissing: (missing) => told.push(missing) },
      1000,
    )
    for (let check = 0; check < 9; check += 1) {
      await new Promise((resolve) => setImmediate(resolve))
      context.mock.timers.tick(1000)
    }
    stop()
    assert.deepEqual(told, [false, false, false, false, true, true, false, false, false])
  })
})
