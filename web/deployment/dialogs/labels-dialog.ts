/** Changes the title and the labels of a deployment. Opened from its page. */
import { useSignal } from '@preact/signals'
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import { useMemo } from 'preact/hooks'
import { createIdempotencyKey } from '../../../client/call-endpoint.ts'
import { type ApiError, toApiError } from '../../../client/errors.ts'
import { useApp } from '../../app-context.ts'
import { Dialog } from '../../ui/dialogs/dialog.ts'
import { ErrorBox } from '../../ui/error-box.ts'
import { refreshIfOffline } from '../run-action.ts'
import { LabelFields } from './label-fields.ts'
import { createLabelInput } from './label-input.ts'

export function LabelsDialog({ name }: { name: string }): VNode {
  const app = useApp()
  const { client, store, overlay, toasts } = app
  const info = store.rows.get(name)?.peek()
  const saved = info?.labels ?? {}
  const input = useMemo(() => {
    const rows = Object.entries(saved).map(([key, value]) => ({ key, value }))
    return createLabelInput(info?.title ?? '', rows)
  }, [])
  const error = useSignal<ApiError | null>(null)
  const isSending = useSignal(false)
  const problem = input.error.value
  const close = () => {
    overlay.value = null
  }
  const send = async (event: Event) => {
    event.preventDefault()
    if (problem !== null || isSending.value) return
    isSending.value = true
    error.value = null
    const { title, labels } = input.read()
    try {
      await client.call('changeLabels', {
        params: { name },
        key: createIdempotencyKey(),
        body: {
          set: Object.fromEntries(Object.entries(labels).filter(([key, value]) => saved[key] !== value)),
          remove: Object.keys(saved).filter((key) => !Object.hasOwn(labels, key)),
          title,
        },
      })
      toasts.showSuccess(`The labels of ${name} are saved.`)
      refreshIfOffline(app)
      return close()
    } catch (caught) {
      error.value = toApiError(caught)
    }
    isSending.value = false
  }
  const label = `Title and labels of ${name}`
  return html`<${Dialog} variant="modal wide" label=${label} onClose=${close}>
    <form onSubmit=${send}>
      <h2>${label}</h2>
      <${LabelFields} input=${input} autofocus />
      ${error.value !== null && html`<${ErrorBox} error=${error.value} />`}
      <div class="buttons">
        <button type="button" onClick=${close}>Cancel</button>
        <button type="submit" class="primary" aria-disabled=${problem !== null || isSending.value}>Save</button>
      </div>
    </form>
  <//>`
}
