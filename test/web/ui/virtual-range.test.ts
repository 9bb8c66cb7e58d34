import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { lineAt, rowOffsets, visibleRanges } from '../../../web/ui/virtual-range.ts'

const offsetsFor = (heights: number[], shape: Parameters<typeof rowOffsets>[2]) =>
  rowOffsets(heights.length, (at) => heights[at] ?? 0, shape)

describe('virtual ranges', () => {
  it('Offsets use measured heights and estimates for the others', () => {
    assert.deepEqual(
      [...offsetsFor([40, 0, 60], { columns: 1, estimatedHeight: 50, gap: 0 })],
      [0, 40, 90, 150],
    )
  })

  it('A line of cards is as high as its highest card, plus the gap', () => {
    const tops = offsetsFor([40, 70, 0, 30, 20], { columns: 2, estimatedHeight: 50, gap: 10 })
    assert.deepEqual([...tops], [0, 80, 140, 170])
  })

  it('The line at a height is found and clamped at both ends', () => {
    const tops = offsetsFor([40, 50, 60], { columns: 1, estimatedHeight: 50, gap: 0 })
    assert.deepEqual(
      [-9, 0, 39, 40, 149, 999].map((height) => lineAt(tops, height)),
      [0, 0, 0, 1, 2, 2],
    )
  })

  it('Ranges are rounded to steps and include the focused line', () => {
    const tops = offsetsFor([...Array.from({ length: 100 }, () => 10)], {
      columns: 1,
      estimatedHeight: 10,
      gap: 0,
    })
    assert.deepEqual(visibleRanges(tops, 405, 455), [[40, 48]])
    assert.deepEqual(visibleRanges(tops, 405, 455, 3), [
      [3, 4],
      [40, 48],
    ])
    assert.deepEqual(visibleRanges(tops, 405, 455, 42), [[40, 48]])
    assert.deepEqual(visibleRanges(tops, 405, 455, 99), [
      [40, 48],
      [99, 100],
    ])
    assert.deepEqual(visibleRanges(tops, -500, -1), [[0, 4]])
    assert.deepEqual(visibleRanges(tops, 5000, 6000), [[96, 100]])
  })

  it('An empty list has an empty range', () => {
    assert.deepEqual(visibleRanges(offsetsFor([], { columns: 1, estimatedHeight: 10, gap: 0 }), 0, 500), [
      [0, 0],
    ])
  })
})
