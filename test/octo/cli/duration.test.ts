/** Durations on the command line and in progress messages. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseDurationMs } from '../../../octo/cli/duration.ts'
import { formatDuration } from '../../../octo/output/progress.ts'

test('Durations are parsed and printed', () => {
  for (const [text, ms] of [
    ['90', 90_000],
    ['90s', 90_000],
    ['15m', 900_000],
    ['1h30m', 5_400_000],
    ['0.5s', 500],
  ] as const)
    assert.equal(parseDurationMs('--timeout', text), ms)
  for (const text of ['', '0', 'm', '1d', '-1', '25h', '5 minutes'])
    assert.throws(() => parseDurationMs('--timeout', text), { kind: 'usage' })
  assert.deepEqual([59_900, 61_000, 3_660_000].map(formatDuration), ['59 s', '1 min 1 s', '1 h 1 min'])
})
