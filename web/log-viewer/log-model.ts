/**
 * The state of one output: lines, visible part, follow mode, search. New lines are added once per frame.
 * Created by log-viewer.ts.
 */
import { batch, computed, type ReadonlySignal, type Signal, signal } from '@preact/signals'
import type { OutputChunk } from '../../domain/schemas.ts'
import { rowOffsets } from '../ui/virtual-range.ts'
import { createLogLines, type LogLine } from './lines.ts'
import { findMatchingLines } from './search.ts'
import { type TimeFormat, timeChars, timeFormats } from './times.ts'

/** Same value as in log-viewer.css. */
export const lineHeightPx = 20
/** Shown characters of one line; a note of about `restNoteChars` counts the rest. */
export const maxLineChars = 4000
const restNoteChars = 60

export type LogModel = {
  lines: readonly LogLine[]
  /** Number of lines; read together with `version`. */
  count: ReadonlySignal<number>
  /** Increases with every change of any line. */
  version: ReadonlySignal<number>
  /** Characters per line; Infinity: lines are not wrapped. */
  columns: Signal<number>
  /** The top of each line in px, and the end of the last one. */
  offsets: ReadonlySignal<Float64Array>
  /** The first visible line, rounded. */
  firstVisibleLine: Signal<number>
  wrapped: Signal<boolean>
  times: Signal<TimeFormat>
  followsEnd: Signal<boolean>
  query: Signal<string>
  /** Indexes of the lines that match the query. */
  matches: ReadonlySignal<readonly number[]>
  /** The line of the selected match; -1: none. */
  currentMatch: Signal<number>
  add(chunk: OutputChunk): void
}

export function createLogModel(): LogModel {
  const lines = createLogLines()
  const count = signal(0)
  const version = signal(0)
  const query = signal('')
  const times = signal(readTimeFormat())
  const columns = signal(Number.POSITIVE_INFINITY)
  let pendingChunks: OutputChunk[] = []
  let searched = { query: '', matches: [] as number[] }
  /** Lines from this index on have changed since the last search. */
  let firstUnsearched = 0

  const flush = () => {
    for (const chunk of pendingChunks) firstUnsearched = Math.min(firstUnsearched, lines.add(chunk))
    pendingChunks = []
    batch(() => {
      count.value = lines.all.length
      version.value += 1
    })
  }
  return {
    lines: lines.all,
    count,
    version,
    columns,
    offsets: computed(() => {
      void version.value
      const lineChars = columns.value
      const prefixChars = times.value === 'none' ? 0 : timeChars + 1
      return rowOffsets(
        lines.all.length,
        (index) => lineHeightPx * Math.ceil((drawnChars(lines.all[index]) + prefixChars) / lineChars),
        {
          columns: 1,
          estimatedHeight: lineHeightPx,
          gap: 0,
        },
      )
    }),
    firstVisibleLine: signal(0),
    wrapped: signal(false),
    times,
    followsEnd: signal(true),
    query,
    matches: computed(() => {
      void version.value
      const searchText = query.value
      const [matches, from] = searchText === searched.query ? [searched.matches, firstUnsearched] : [[], 0]
      searched = { query: searchText, matches: findMatchingLines(lines.all, searchText, matches, from) }
      firstUnsearched = lines.all.length
      return searched.matches
    }),
    currentMatch: signal(-1),
    add: (chunk) => {
      if (pendingChunks.push(chunk) === 1) requestAnimationFrame(flush)
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

const drawnChars = (line: LogLine | undefined) =>
  Math.min(line?.text.length ?? 0, maxLineChars + restNoteChars)
