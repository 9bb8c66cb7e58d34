import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { lineAt, rowOffsets, visibleRanges } from '../../../web/ui/virtual-range.ts'

const offsetsFor = (heights: number[], shape: Parameters<typeof rowOffsets>[2]) =>
  rowOffsets(heights.length, (at) => heights[at] ?? 0, shape)

describe('the window over a long list', () => {
  it('knows where lines begin: as drawn, else as guessed', () => {
    assert.deepEqual(
      [...offsetsFor([40, 0, 60], { columns: 1, estimatedHeight: 50, gap: 0 })],
      [0, 40, 90, 150],
    )
  })

  it('takes cards side by side for one line as high as the highest, and the space between lines', () => {
    const tops = offsetsFor([40, 70, 0, 30, 20], { columns: 2, estimatedHeight: 50, gap: 10 })
    assert.deepEqual([...tops], [0, 80, 140, 170])
  })

  it('finds the line at a height, also beyond both ends', () => {
    const tops = offsetsFor([40, 50, 60], { columns: 1, estimatedHeight: 50, gap: 0 })
    assert.deepEqual(
      [-9, 0, 39, 40, 149, 999].map((height) => lineAt(tops, height)),
      [0, 0, 0, 1, 2, 2],
    )
  })

  it('draws what is near in whole steps, and the line with the focus wherever it is', () => {
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

  it('has nothing to draw of nothing', () => {
    assert.deepEqual(visibleRanges(offsetsFor([], { columns: 1, estimatedHeight: 10, gap: 0 }), 0, 500), [
      [0, 0],
    ])
  })
})
