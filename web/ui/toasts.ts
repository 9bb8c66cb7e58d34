/** Short messages about accepted and failed actions. toast-list.ts draws them. */
import { type ReadonlySignal, signal } from '@preact/signals'
import type { ApiError } from '../../client/errors.ts'
import { hintFor } from '../api/hints.ts'

export type Toast = { id: number; tone: 'success' | 'error'; text: string; hint: string | null }

export type Toasts = {
  visible: ReadonlySignal<readonly Toast[]>
  showSuccess(text: string): void
  /** Stays until the user dismisses it. */
  showError(error: ApiError): void
  dismiss(id: number): void
}

const successVisibleMs = 5000

export function createToasts(): Toasts {
  const visible = signal<readonly Toast[]>([])
  let lastId = 0
  const dismiss = (id: number) => {
    visible.value = visible.peek().filter((toast) => toast.id !== id)
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
      const id = add({ tone: 'success', text, hint: null })
      setTimeout(() => dismiss(id), successVisibleMs)
    },
    showError: (error) => add({ tone: 'error', text: error.message, hint: hintFor(error) }),
  }
}
