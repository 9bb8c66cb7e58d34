/** Short messages that do not stop anybody: what was accepted, what failed. parts/notices.ts draws them. */
import { type ReadonlySignal, signal } from '@preact/signals'
import type { Problem } from './problem.ts'

export type Notice = { id: number; tone: 'good' | 'bad'; text: string; remedy: string | null }

export type Notices = {
  shown: ReadonlySignal<readonly Notice[]>
  say(text: string): void
  /** Stays until it is put away. */
  complain(problem: Problem): void
  dismiss(id: number): void
}

const shownMs = 5000

export function createNotices(): Notices {
  const shown = signal<readonly Notice[]>([])
  let last = 0
  const dismiss = (id: number) => {
    shown.value = shown.peek().filter((notice) => notice.id !== id)
  }
  const add = (notice: Omit<Notice, 'id'>): number => {
    last += 1
    shown.value = [...shown.peek().slice(-3), { id: last, ...notice }]
    return last
  }
  return {
    shown,
    dismiss,
    say: (text) => {
      const id = add({ tone: 'good', text, remedy: null })
      setTimeout(() => dismiss(id), shownMs)
    },
    complain: (problem) => add({ tone: 'bad', text: problem.message, remedy: problem.remedy }),
  }
}
