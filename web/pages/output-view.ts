/**
 * What the viewer of an output knows: the lines so far, which of them are in sight, whether it follows the end, what is
 * searched. Lines come in once a frame. Made by output.ts, for one action.
 */
import { batch, computed, type ReadonlySignal, type Signal, signal } from '@preact/signals'
import type { OutputChunk } from '../../domain/shapes.ts'
import { findLines } from '../output-find.ts'
import { createLines, type Line } from '../output-lines.ts'
import { topsOf } from './list-window.ts'

/** As in style/output.css. */
export const linePx = 20
/** What is shown of one line; then its rest is counted, in about as many more. */
export const maxChars = 4000
const restChars = 60

export type OutputView = {
  lines: readonly Line[]
  /** How many there are; read together with `changes`. */
  count: ReadonlySignal<number>
  /** Grows whenever any line has changed. */
  changes: ReadonlySignal<number>
  /** So many characters fit beside each other; Infinity: lines are not broken. */
  columns: Signal<number>
  /** Where each line begins, in pixels, and at last where they end. */
  tops: ReadonlySignal<Float64Array>
  /** The first line in sight. */
  top: Signal<number>
  wrapped: Signal<boolean>
  following: Signal<boolean>
  query: Signal<string>
  /** The numbers of the lines that have what is searched. */
  hits: ReadonlySignal<readonly number[]>
  /** The hit somebody looks at; -1: none. */
  current: Signal<number>
  add(chunk: OutputChunk): void
}

export function createOutputView(): OutputView {
  const lines = createLines()
  const count = signal(0)
  const changes = signal(0)
  const query = signal('')
  const columns = signal(Number.POSITIVE_INFINITY)
  let waiting: OutputChunk[] = []
  let searched = { query: '', hits: [] as number[] }
  /** From here on lines have changed since they were searched. */
  let unsearched = 0

  const flush = () => {
    for (const chunk of waiting) unsearched = Math.min(unsearched, lines.add(chunk))
    waiting = []
    batch(() => {
      count.value = lines.all.length
      changes.value += 1
    })
  }
  return {
    lines: lines.all,
    count,
    changes,
    columns,
    tops: computed(() => {
      void changes.value
      const fitting = columns.value
      return topsOf(lines.all.length, (at) => linePx * Math.ceil(charsIn(lines.all[at]) / fitting), {
        columns: 1,
        guess: linePx,
        gap: 0,
      })
    }),
    top: signal(0),
    wrapped: signal(false),
    following: signal(true),
    query,
    hits: computed(() => {
      void changes.value
      const wanted = query.value
      const [hits, from] = wanted === searched.query ? [searched.hits, unsearched] : [[], 0]
      searched = { query: wanted, hits: findLines(lines.all, wanted, hits, from) }
      unsearched = lines.all.length
      return searched.hits
    }),
    current: signal(-1),
    add: (chunk) => {
      if (waiting.push(chunk) === 1) requestAnimationFrame(flush)
    },
  }
}

const charsIn = (line: Line | undefined) => Math.min(line?.text.length ?? 0, maxChars + restChars)
