/** Short messages about accepted and failed actions. toast-list.ts draws them. */
import { type ReadonlySignal, signal } from '@preact/signals'
import type { ApiError } from '../../client/errors.ts'
import { hintFor } from '../api/hints.ts'
import { inPageWords } from '../deployment/status-labels.ts'

type Tone = 'success' | 'error'
/** Another page, or something that is opened above this one. */
type Link = { text: string; href: string } | { text: string; onOpen(): void }
export type Toast = {
  id: number
  tone: Tone
  text: string
  hint: string | null
  link: Link | null
  about: string | null
}

export type Toasts = {
  visible: ReadonlySignal<readonly Toast[]>
  /** `about`: the deployment. A later message about it takes the place of this one. */
  showSuccess(text: string, about?: string | null): void
  /** Stays until the user dismisses it. */
  showError(error: ApiError): void
  /** How an action or a change of many deployments has ended. A failure stays until the user dismisses it. */
  showOutcome(tone: Tone, text: string, link: Link, about?: string | null): void
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
    const others = visible
      .peek()
      .filter(({ about, tone }) => about === null || about !== toast.about || tone === 'error')
    visible.value = [...others.slice(-3), { id: lastId, ...toast }]
    return lastId
  }
  const dismissLater = (id: number) => setTimeout(() => dismiss(id), successVisibleMs)
  return {
    visible,
    dismiss,
    showSuccess: (text, about = null) =>
      dismissLater(add({ tone: 'success', text, hint: null, link: null, about })),
    showError: (error) =>
      add({ tone: 'error', text: inPageWords(error.message), hint: hintFor(error), link: null, about: null }),
    showOutcome: (tone, text, link, about = null) => {
      const id = add({ tone, text, hint: null, link, about })
      if (tone === 'success') dismissLater(id)
    },
  }
}
