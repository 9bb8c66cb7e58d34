import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { errorBlocks, isErrorLine } from '../../../web/log-viewer/lines/error-lines.ts'
import { lineHash, parseLineHash, rangeOf } from '../../../web/log-viewer/lines/line-link.ts'
import { splitLine } from '../../../web/log-viewer/lines/line-text.ts'
import type { LogLine } from '../../../web/log-viewer/lines/lines.ts'
import { buildRows, rowOfLine } from '../../../web/log-viewer/lines/rows.ts'
import { foldedAtFirst, type LogSection, updateSections } from '../../../web/log-viewer/lines/sections.ts'

const line = (text: string, stream: LogLine['stream'] = 'stdout'): LogLine => ({
  stream,
  text,
  runs: [],
  at: '',
})
const linesOf = (...texts: string[]) => texts.map((text) => line(text))

function sectionsOf(lines: readonly LogLine[], from = 0, sections: LogSection[] = []): LogSection[] {
  updateSections(sections, lines, from, (index) => isErrorLine(lines[index] as LogLine))
  return sections
}

describe('sections of an output', () => {
  const lines = linesOf(
    'before',
    '::group::Pull',
    'layer',
    '::endgroup::',
    'between',
    '::group::Build',
    'error: x',
  )

  it('A section has a title, its lines and an end, and may be open', () => {
    assert.deepEqual(sectionsOf(lines), [
      { start: 1, title: 'Pull', end: 3, endLine: 3, hasError: false },
      { start: 5, title: 'Build', end: null, endLine: -1, hasError: true },
    ])
  })

  it('Sections do not nest: the next title ends the one before', () => {
    const [one, two] = sectionsOf(
      linesOf('::group::One', 'a', '::group::Two', 'b', '::endgroup::', '::endgroup::'),
    )
    assert.deepEqual([one?.end, one?.endLine, two?.start, two?.end], [2, -1, 2, 4])
  })

  it('New lines continue an open section, and a redrawn end is read again', () => {
    for (let from = 0; from <= lines.length; from += 1) {
      const sections = sectionsOf(lines.slice(0, from))
      assert.deepEqual(sectionsOf(lines, from, sections), sectionsOf(lines), `from ${from}`)
    }
    const sections = sectionsOf(lines)
    const redrawn = [...lines]
    redrawn[3] = line('no end')
    assert.deepEqual(sectionsOf(redrawn, 3, sections), sectionsOf(redrawn))
  })

  it('A section that ended without an error starts folded', () => {
    assert.deepEqual(sectionsOf(lines).map(foldedAtFirst), [true, false])
  })
})

describe('rows of an output', () => {
  const lines = linesOf('a', '::group::G', 'b', 'c', '::endgroup::', 'd')
  const rowsOf = (isFolded: boolean, pieceChars = Number.POSITIVE_INFINITY, shown = lines) =>
    buildRows(shown, { sections: sectionsOf(shown), isFolded: () => isFolded, pieceChars })

  it('The end of a section is not shown, and a folded section shows only its title', () => {
    assert.deepEqual([...rowsOf(false).lines], [0, 1, 2, 3, 5])
    assert.deepEqual([...rowsOf(true).lines], [0, 1, 5])
    assert.deepEqual([...rowsOf(true, undefined, lines.slice(0, 4)).lines], [0, 1])
  })

  it('A long line is several rows, and nothing of it is cut', () => {
    const long = linesOf('x', 'y'.repeat(25), 'z')
    const { lines: numbers, starts } = rowsOf(false, 10, long)
    assert.deepEqual([...numbers], [0, 1, 1, 1, 2])
    assert.deepEqual([...starts], [0, 0, 10, 20, 0])
  })

  it('A line is found among the rows; a hidden one at the row after it', () => {
    assert.equal(rowOfLine(rowsOf(false), 3), 3)
    assert.equal(rowOfLine(rowsOf(true), 3), 2)
    assert.equal(rowOfLine(rowsOf(true), 99), 2)
  })

  it('A piece of a line keeps its styles and matches', () => {
    const runs = [{ from: 2, to: 6, style: { bold: true } }]
    assert.deepEqual(
      splitLine('abcdefgh', runs, 'gh', 4).map(({ piece, style, isMatch }) => [
        piece,
        style !== null,
        isMatch,
      ]),
      [
        ['ef', true, false],
        ['gh', false, true],
      ],
    )
  })
})

describe('lines that look like errors', () => {
  it('Words of errors and the error stream count', () => {
    for (const text of [
      'error: no such image',
      '2026-11-30 ERROR [db] refused',
      'java.lang.NullPointerException: x',
      'TypeError: x is not a function',
      'Traceback (most recent call last):',
      'FATAL: role "x" does not exist',
      'The job failed.',
      '3 failures',
    ])
      assert.equal(isErrorLine(line(text)), true, text)
    assert.equal(isErrorLine(line('Cloning into x', 'stderr')), true)
    assert.equal(isErrorLine(line('  ', 'stderr')), false)
  })

  it('Counts of none and parts of other words do not', () => {
    for (const text of [
      '0 errors',
      'no errors found',
      'failed=0',
      'errors: 0',
      'stderr',
      'on-error-resume',
      'mirror',
    ])
      assert.equal(isErrorLine(line(text)), false, text)
  })

  it('Neighbouring lines are one block', () => {
    assert.deepEqual(errorBlocks([true, true, false, true, false, false, true]), [0, 3, 6])
  })
})

describe('links to lines', () => {
  it('A line and a range are written and read', () => {
    for (const [hash, range] of [
      ['#L1', { from: 0, to: 0 }],
      ['#L120-L130', { from: 119, to: 129 }],
    ] as const) {
      assert.deepEqual(parseLineHash(hash), range)
      assert.equal(lineHash(range), hash)
    }
    assert.deepEqual(parseLineHash('#L5-2'), { from: 1, to: 4 })
    assert.deepEqual(rangeOf(7, 3), { from: 3, to: 7 })
  })

  it('Anything else names no line', () => {
    for (const hash of ['', '#history', '#L', '#L0', '#L1x', '#L1-', '#L99999999999'])
      assert.equal(parseLineHash(hash), null)
  })
})
