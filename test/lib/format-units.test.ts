import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatAge, formatSize } from '../../lib/format-units.ts'

const dayMs = 86_400_000

test('An age is written in the largest unit that divides it', () => {
  assert.deepEqual([dayMs, 30 * dayMs, 36 * 3_600_000, 90_000, 60_000, 1000].map(formatAge), [
    '1 day',
    '30 days',
    '36 hours',
    '90 seconds',
    '1 minute',
    '1 second',
  ])
})

test('A size is written in decimal units', () => {
  assert.deepEqual([0, 1, 999, 1000, 1_500_000, 2 * 10 ** 12, 10 ** 16].map(formatSize), [
    '0 B',
    '1 B',
    '999 B',
    '1 kB',
    '1.5 MB',
    '2 TB',
    '10000 TB',
  ])
})
