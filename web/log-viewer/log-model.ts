/**
 * What the viewer of an output knows: the lines so far, which of them are in sight, whether it follows the end, what is
 * searched. Lines come in once a frame. Made by output.ts, for one action.
 */
import { batch, computed, type ReadonlySignal, type Signal, signal } from '@preact/signals'
import type { OutputChunk } from '../../domain/schemas.ts'
import { rowOffsets } from '../ui/virtual-range.ts'
import { createLogLines, type LogLine } from './lines.ts'
import { findMatchingLines } from './search.ts'

/** As in style/output.css. */
export const lineHeightPx = 20
/** What is shown of one line; then its rest is counted, in about as many more. */
export const maxLineChars = 4000
const restNoteChars = 60

export type LogModel = {
  lines: readonly LogLine[]
  /** How many there are; read together with `changes`. */
  count: ReadonlySignal<number>
  /** Grows whenever any line has changed. */
  version: ReadonlySignal<number>
  /** So many characters fit beside each other; Infinity: lines are not broken. */
  columns: Signal<number>
  /** Where each line begins, in pixels, and at last where they end. */
  offsets: ReadonlySignal<Float64Array>
  /** The first line in sight. */
  firstVisibleLine: Signal<number>
  wrapped: Signal<boolean>
  followsEnd: Signal<boolean>
  query: Signal<string>
  /** The numbers of the lines that have what is searched. */
  matches: ReadonlySignal<readonly number[]>
  /** The hit somebody looks at; -1: none. */
  currentMatch: Signal<number>
  add(chunk: OutputChunk): void
}

export function createLogModel(): LogModel {
  const lines = createLogLines()
  const count = signal(0)
  const version = signal(0)
  const query = signal('')
  const columns = signal(Number.POSITIVE_INFINITY)
  let pendingChunks: OutputChunk[] = []
  let searched = { query: '', hits: [] as number[] }
  /** From here on lines have changed since they were searched. */
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
      return rowOffsets(
        lines.all.length,
        (at) => lineHeightPx * Math.ceil(drawnChars(lines.all[at]) / lineChars),
        {
          columns: 1,
          estimatedHeight: lineHeightPx,
          gap: 0,
        },
      )
    }),
    firstVisibleLine: signal(0),
    wrapped: signal(false),
    followsEnd: signal(true),
    query,
    matches: computed(() => {
      void version.value
      const wanted = query.value
      const [hits, from] = wanted === searched.query ? [searched.hits, firstUnsearched] : [[], 0]
      searched = { query: wanted, hits: findMatchingLines(lines.all, wanted, hits, from) }
      firstUnsearched = lines.all.length
      return searched.hits
    }),
    currentMatch: signal(-1),
    add: (chunk) => {
      if (pendingChunks.push(chunk) === 1) requestAnimationFrame(flush)
    },
  }
}

const drawnChars = (line: LogLine | undefined) =>
  Math.min(line?.text.length ?? 0, maxLineChars + restNoteChars)
