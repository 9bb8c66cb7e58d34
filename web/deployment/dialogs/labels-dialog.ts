/** Changes the title and the labels of a deployment. Opened from its page. */
import { useSignal } from '@preact/signals'
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import { createIdempotencyKey } from '../../../client/call-endpoint.ts'
import { type ApiError, toApiError } from '../../../client/errors.ts'
import { labelKeyError, labelValueError, maxLabels, titleError } from '../../../domain/labels.ts'
import { useApp } from '../../app-context.ts'
import { Dialog } from '../../ui/dialogs/dialog.ts'
import { ErrorBox } from '../../ui/error-box.ts'
import { Icon } from '../../ui/icon.ts'
import { TextField } from '../../ui/text-field.ts'
import { refreshIfOffline } from '../run-action.ts'

type Row = { key: string; value: string }

export function LabelsDialog({ name }: { name: string }): VNode {
  const app = useApp()
  const { client, store, overlay, toasts } = app
  const info = store.rows.get(name)?.peek()
  const saved = info?.labels ?? {}
  const title = useSignal(info?.title ?? '')
  const rows = useSignal<readonly Row[]>([
    ...Object.entries(saved).map(([key, value]) => ({ key, value })),
    { key: '', value: '' },
  ])
  const error = useSignal<ApiError | null>(null)
  const isSending = useSignal(false)
  const entered = rows.value.filter(({ key, value }) => key.trim() !== '' || value.trim() !== '')
  const problem = findProblem(title.value.trim(), entered)
  const close = () => {
    overlay.value = null
  }
  const edit = (index: number, part: Partial<Row>) => {
    const changed = rows.peek().map((row, at) => (at === index ? { ...row, ...part } : row))
    // There is always an empty row for the next label.
    const last = changed.at(-1)
    rows.value = last?.key === '' && last.value === '' ? changed : [...changed, { key: '', value: '' }]
  }
  const send = async (event: Event) => {
    event.preventDefault()
    if (problem !== null || isSending.value) return
    isSending.value = true
    error.value = null
    const labels = Object.fromEntries(entered.map(({ key, value }) => [key.trim(), value.trim()]))
    try {
      await client.call('changeLabels', {
        params: { name },
        key: createIdempotencyKey(),
        body: {
          set: Object.fromEntries(Object.entries(labels).filter(([key, value]) => saved[key] !== value)),
          remove: Object.keys(saved).filter((key) => labels[key] === undefined),
          title: title.peek().trim() || null,
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
      <${TextField} label=${html`Title <small>(optional, shown next to the name)</small>`} text=${title} attributes=${{ name: 'title', autocomplete: 'off', autofocus: true }} />
      <fieldset class="label-rows">
        <legend>Labels <small>for finding and selecting, such as <code>team</code> = <code>shop</code></small></legend>
        ${rows.value.map(
          ({ key, value }, index) => html`<div key=${index} class="label-row">
            <input aria-label=${`Key of label ${index + 1}`} placeholder="key" autocomplete="off" autocapitalize="none" spellcheck=${false} value=${key} onInput=${(event: { currentTarget: HTMLInputElement }) => edit(index, { key: event.currentTarget.value })} />
            <input aria-label=${`Value of label ${index + 1}`} placeholder="value" autocomplete="off" autocapitalize="none" spellcheck=${false} value=${value} onInput=${(event: { currentTarget: HTMLInputElement }) => edit(index, { value: event.currentTarget.value })} />
            <button type="button" class="icon-button" aria-label=${`Remove label ${key || index + 1}`} title="Remove" onClick=${() => edit(index, { key: '', value: '' })}><${Icon} name="trash" /></button>
          </div>`,
        )}
      </fieldset>
      <p class="invalid" role="status">${problem}</p>
      ${error.value !== null && html`<${ErrorBox} error=${error.value} />`}
      <div class="buttons">
        <button type="button" onClick=${close}>Cancel</button>
        <button type="submit" class="primary" aria-disabled=${problem !== null || isSending.value}>Save</button>
      </div>
    </form>
  <//>`
}

/** The first error of what was entered, in the words of the server. */
function findProblem(title: string, rows: readonly Row[]): string | null {
  if (title !== '' && titleError(title) !== null) return titleError(title)
  if (rows.length > maxLabels) return `At most ${maxLabels} labels are possible.`
  const keys = new Set<string>()
  for (const row of rows) {
    const [key, value] = [row.key.trim(), row.value.trim()]
    const error = labelKeyError(key) ?? labelValueError(key, value)
    if (error !== null) return error
    if (keys.has(key)) return `The label ${key} is there twice.`
    keys.add(key)
  }
  return null
}
