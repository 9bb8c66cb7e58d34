/**
 * The state of one output: lines, sections, errors, visible part, follow mode, search, selection. New lines are added once per
 * frame, and in several frames when there are many. Created by log-viewer.ts.
 */
import { batch, computed, type ReadonlySignal, type Signal, signal } from '@preact/signals'
import type { OutputChunk } from '../../domain/schemas.ts'
import { rowOffsets } from '../ui/virtual-range.ts'
import { errorBlocks, isErrorLine } from './lines/error-lines.ts'
import type { LineRange } from './lines/line-link.ts'
import { createLogLines, type LogLine } from './lines/lines.ts'
import { buildRows, type LogRows } from './lines/rows.ts'
import { findMatchingLines } from './lines/search.ts'
import { foldedAtFirst, type LogSection, updateSections } from './lines/sections.ts'
import { type TimeFormat, timeChars, timeFormats } from './lines/times.ts'

/** Same value as in log-viewer.css. */
export const lineHeightPx = 20
/** Characters of one row. A longer line is several rows when it is wrapped; otherwise a note counts the rest. */
export const maxRowChars = 4000
/** Chunks are added for no longer than this in one frame, so that the page stays responsive. */
const flushBudgetMs = 8
/** A chunk is added in pieces of about this size, so that the budget is kept. */
const maxPieceChars = 8000
/** While chunks wait, the lines are drawn no more often than this. */
const drawIntervalMs = 250

export type LogModel = {
  lines: readonly LogLine[]
  /** Number of lines; read together with `version`. */
  count: ReadonlySignal<number>
  /** Increases with every change of any line. */
  version: ReadonlySignal<number>
  /** Characters per line; Infinity: lines are not wrapped. */
  columns: Signal<number>
  rows: ReadonlySignal<LogRows>
  /** The top of each row in px, and the end of the last one. */
  offsets: ReadonlySignal<Float64Array>
  /** The first visible row, rounded. */
  firstVisibleRow: Signal<number>
  wrapped: Signal<boolean>
  times: Signal<TimeFormat>
  followsEnd: Signal<boolean>
  /** Whether the last line is visible, also when the view does not follow it. */
  isEndVisible: Signal<boolean>
  query: Signal<string>
  /** Indexes of the lines that match the query. */
  matches: ReadonlySignal<readonly number[]>
  /** The first line of each block of lines that look like errors. */
  errors: ReadonlySignal<readonly number[]>
  /** The line of the selected match or error; -1: none. */
  currentLine: Signal<number>
  /** The lines that the user has selected, or that the address names. */
  selection: Signal<LineRange | null>
  sectionAt(line: number): LogSection | null
  hasSections: ReadonlySignal<boolean>
  isFolded(section: LogSection): boolean
  setFolded(section: LogSection, folded: boolean): void
  foldAll(folded: boolean): void
  /** Opens the section of this line. */
  reveal(line: number): void
  /** The lines as shown, without terminal codes. */
  textOf(range: LineRange): string
  add(chunk: OutputChunk): void
}

export function createLogModel(): LogModel {
  const lines = createLogLines()
  const count = signal(0)
  const version = signal(0)
  const query = signal('')
  const times = signal(readTimeFormat())
  const columns = signal(Number.POSITIVE_INFINITY)
  const sections: LogSection[] = []
  const chosenFolds = new Map<number, boolean>()
  const foldVersion = signal(0)
  const isError: boolean[] = []
  const pendingChunks: OutputChunk[] = []
  let searched = { query: '', matches: [] as number[] }
  /** Lines from this index on have changed since the last search. */
  let firstUnsearched = 0
  let drawnAt = 0

  const flush = () => {
    const startedAt = performance.now()
    let from = lines.all.length
    while (pendingChunks.length > 0 && performance.now() - startedAt < flushBudgetMs)
      from = Math.min(from, lines.add(pendingChunks.shift() as OutputChunk))
    firstUnsearched = Math.min(firstUnsearched, from)
    for (let line = from; line < lines.all.length; line += 1)
      isError[line] = isErrorLine(lines.all[line] as LogLine)
    updateSections(sections, lines.all, from, (line) => isError[line] === true)
    if (pendingChunks.length > 0) requestAnimationFrame(flush)
    if (pendingChunks.length > 0 && startedAt - drawnAt < drawIntervalMs) return
    drawnAt = startedAt
    batch(() => {
      count.value = lines.all.length
      version.value += 1
    })
  }
  const isFolded = (section: LogSection) => chosenFolds.get(section.start) ?? foldedAtFirst(section)
  const setFolded = (section: LogSection, folded: boolean) => {
    chosenFolds.set(section.start, folded)
    foldVersion.value += 1
  }
  const sectionAt = (line: number) => sections.find(({ start }) => start === line) ?? null
  const rows = computed(() => {
    void version.value
    void foldVersion.value
    const lineChars = columns.value
    const pieceChars = Number.isFinite(lineChars)
      ? Math.max(1, Math.floor(maxRowChars / lineChars)) * lineChars
      : Number.POSITIVE_INFINITY
    return buildRows(lines.all, { sections, isFolded, pieceChars })
  })
  return {
    lines: lines.all,
    count,
    version,
    columns,
    rows,
    offsets: computed(() => {
      const lineChars = columns.value
      const timesChars = times.value === 'none' ? 0 : timeChars + 1
      const { count: rowCount, lines: rowLines, starts } = rows.value
      const heightOf = (row: number) => {
        const start = starts[row] ?? 0
        const rest = (lines.all[rowLines[row] ?? 0]?.text.length ?? 0) - start
        const isCut = rest > maxRowChars && rowLines[row + 1] === rowLines[row]
        const chars = isCut ? (starts[row + 1] ?? 0) - start : rest
        return lineHeightPx * Math.ceil((chars + (start === 0 ? timesChars : 0)) / lineChars)
      }
      return rowOffsets(rowCount, heightOf, { columns: 1, estimatedHeight: lineHeightPx, gap: 0 })
    }),
    firstVisibleRow: signal(0),
    // A phone shows little of a line.
    wrapped: signal(matchMedia('(max-width: 600px)').matches),
    times,
    followsEnd: signal(true),
    isEndVisible: signal(true),
    query,
    matches: computed(() => {
      void version.value
      const searchText = query.value
      const [matches, from] = searchText === searched.query ? [searched.matches, firstUnsearched] : [[], 0]
      searched = { query: searchText, matches: findMatchingLines(lines.all, searchText, matches, from) }
      firstUnsearched = lines.all.length
      return searched.matches
    }),
    errors: computed(() => {
      void version.value
      return errorBlocks(isError)
    }),
    currentLine: signal(-1),
    selection: signal(null),
    sectionAt,
    hasSections: computed(() => version.value >= 0 && sections.length > 0),
    isFolded,
    setFolded,
    foldAll: (folded) => {
      for (const { start } of sections) chosenFolds.set(start, folded)
      foldVersion.value += 1
    },
    reveal: (line) => {
      const section = sections.findLast(({ start }) => start < line)
      if (section !== undefined && line < (section.end ?? lines.all.length) && isFolded(section))
        setFolded(section, false)
    },
    textOf: ({ from, to }) =>
      lines.all
        .slice(from, to + 1)
        .map(({ text }) => text)
        .join('\n'),
    add: (chunk) => {
      if (pendingChunks.length === 0) requestAnimationFrame(flush)
      for (let start = 0; start < chunk.text.length; ) {
        const lineEnd = chunk.text.indexOf('\n', start + maxPieceChars) + 1
        const end = lineEnd > 0 ? lineEnd : chunk.text.length
        pendingChunks.push({ ...chunk, text: chunk.text.slice(start, end) })
        start = end
      }
    },
  }
}

/** The choice is kept in this browser. */
const timeFormatKey = 'octopod.outputTimes'
const readTimeFormat = (): TimeFormat =>
  timeFormats.find((format) => format === localStorage.getItem(timeFormatKey)) ?? 'none'

export function setTimeFormat({ times }: LogModel, format: TimeFormat): void {
  times.value = format
  localStorage.setItem(timeFormatKey, format)
}
