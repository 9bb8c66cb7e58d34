import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { formatDuration, formatElapsed, formatRelative } from '../../web/format.ts'

describe('formats', () => {
  it('Durations and ages have short readable forms', () => {
    assert.deepEqual([7_000, 750_000, 3_723_000].map(formatElapsed), ['0:07', '12:30', '1:02:03'])
    assert.deepEqual([420, 12_000, 185_000, 7_800_000].map(formatDuration), [
      '0.4 s',
      '12 s',
      '3 min 5 s',
      '2 h 10 min',
    ])
    const now = Date.parse('2026-01-10T12:00:00Z')
    const hour = 3_600_000
    assert.deepEqual(
      [0, hour / 15, 3 * hour, 30 * hour, 72 * hour].map((age) => formatRelative(now - age, now)),
      ['just now', '4 min ago', '3 h ago', 'yesterday', '3 days ago'],
    )
  })
})
