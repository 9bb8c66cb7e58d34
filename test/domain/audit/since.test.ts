/** From when on: durations before now, and times. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseSince } from '../../../domain/audit/since.ts'

const now = Date.parse('2026-03-10T12:00:00Z')

test('A duration is before now, a time without a zone is UTC', () => {
  for (const [text, expected] of [
    ['24h', '2026-03-09T12:00:00.000Z'],
    ['7d', '2026-03-03T12:00:00.000Z'],
    ['1w2d', '2026-03-01T12:00:00.000Z'],
    ['1h30m', '2026-03-10T10:30:00.000Z'],
    ['2026-03-01', '2026-03-01T00:00:00.000Z'],
    ['2026-03-01 08:15', '2026-03-01T08:15:00.000Z'],
    ['2026-03-01T08:15:30Z', '2026-03-01T08:15:30.000Z'],
    ['2026-03-01T08:15:30.5+02:00', '2026-03-01T06:15:30.500Z'],
  ] as const)
    assert.equal(parseSince(text, now), expected, text)
})

test('Everything else is refused', () => {
  for (const text of [
    '',
    '24',
    'h',
    '1y',
    'yesterday',
    '-1h',
    '99999999w',
    '2026-13-01',
    '2026-03-01T25:00',
    '01.03.2026',
  ])
    assert.equal(parseSince(text, now), null, text)
})
