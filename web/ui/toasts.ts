/** Short messages about accepted and failed actions. toast-list.ts draws them. */
import { type ReadonlySignal, signal } from '@preact/signals'
import type { ApiError } from '../../client/errors.ts'
import { hintFor } from '../api/hints.ts'

type Tone = 'success' | 'error'
/** Another page, or something that is opened above this one. */
type Link = { text: string; href: string } | { text: string; onOpen(): void }
export type Toast = { id: number; tone: Tone; text: string; hint: string | null; link: Link | null }

export type Toasts = {
  visible: ReadonlySignal<readonly Toast[]>
  showSuccess(text: string): void
  /** Stays until the user dismisses it. */
  showError(error: ApiError): void
  /** How an action or a change of many deployments has ended. A failure stays until the user dismisses it. */
  showOutcome(tone: Tone, text: string, link: Link): void
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
  const dismissLater = (id: number) => setTimeout(() => dismiss(id), successVisibleMs)
  return {
    visible,
    dismiss,
    showSuccess: (text) => dismissLater(add({ tone: 'success', text, hint: null, link: null })),
    showError: (error) => add({ tone: 'error', text: error.message, hint: hintFor(error), link: null }),
    showOutcome: (tone, text, link) => {
      const id = add({ tone, text, hint: null, link })
      if (tone === 'success') dismissLater(id)
    },
  }
}
