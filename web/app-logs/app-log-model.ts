/** The lines of the app that are shown: a limited number, added a few times a second. Created by app-log-viewer.ts. */
import { type ReadonlySignal, type Signal, signal } from '@preact/signals'
import { toPlainText } from '../../lib/terminal/text.ts'

/** Older lines are removed. */
export const maxShownLines = 2000
const maxShownLength = 4000
const updateMs = 150

/** `number` grows. `isNote`: of Octopod, not of the app. */
export type ShownLine = { number: number; text: string; isNote: boolean }

export type AppLogModel = {
  shown: ReadonlySignal<readonly ShownLine[]>
  /** How many lines have come during a pause. */
  waiting: ReadonlySignal<number>
  paused: ReadonlySignal<boolean>
  wrapped: Signal<boolean>
  addLine(text: string): void
  /** Only after a line: a note about a gap says nothing before the first one. */
  addNote(text: string): void
  togglePause(): void
  text(): string
  close(): void
}

export function createAppLogModel(): AppLogModel {
  const shown = signal<readonly ShownLine[]>([])
  const waiting = signal(0)
  const paused = signal(false)
  let pending: ShownLine[] = []
  let count = 0
  let timer: ReturnType<typeof setTimeout> | undefined

  const update = () => {
    timer = undefined
    if (paused.peek()) {
      waiting.value = pending.length
      return
    }
    if (pending.length === 0) return
    shown.value = [...shown.peek(), ...pending].slice(-maxShownLines)
    pending = []
    waiting.value = 0
  }
  const add = (text: string, isNote: boolean) => {
    count += 1
    pending.push({ number: count, text, isNote })
    if (pending.length > 2 * maxShownLines) pending = pending.slice(-maxShownLines)
    timer ??= setTimeout(update, updateMs)
  }
  return {
    shown,
    waiting,
    paused,
    wrapped: signal(true),
    addLine(text) {
      const plain = toPlainText(text)
      add(plain.length <= maxShownLength ? plain : `${plain.slice(0, maxShownLength)} …`, false)
    },
    addNote(text) {
      if (count > 0) add(text, true)
    },
    togglePause() {
      paused.value = !paused.peek()
      update()
    },
    text: () =>
      shown
        .peek()
        .map(({ text }) => `${text}\n`)
        .join(''),
    close: () => clearTimeout(timer),
  }
}
