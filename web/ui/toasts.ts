/** Short messages that do not stop anybody: what was accepted, what failed. parts/notices.ts draws them. */
import { type ReadonlySignal, signal } from '@preact/signals'
import type { ApiError } from '../api/errors.ts'

export type Toast = { id: number; tone: 'good' | 'bad'; text: string; hint: string | null }

export type Toasts = {
  visible: ReadonlySignal<readonly Toast[]>
  showSuccess(text: string): void
  /** Stays until it is put away. */
  showError(problem: ApiError): void
  dismiss(id: number): void
}

const successVisibleMs = 5000

export function createToasts(): Toasts {
  const visible = signal<readonly Toast[]>([])
  let lastId = 0
  const dismiss = (id: number) => {
    visible.value = visible.peek().filter((notice) => notice.id !== id)
  }
  const add = (toast: Omit<Toast, 'id'>): number => {
    lastId += 1
    visible.value = [...visible.peek().slice(-3), { id: lastId, ...toast }]
    return lastId
  }
  return {
    visible,
    dismiss,
    showSuccess: (text) => {
      const id = add({ tone: 'good', text, hint: null })
      setTimeout(() => dismiss(id), successVisibleMs)
    },
    showError: (problem) => add({ tone: 'bad', text: problem.message, hint: problem.hint }),
  }
}
