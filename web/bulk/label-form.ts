/** Which labels many deployments get and lose. Drawn by the dialog before the preview. */
import { useSignal } from '@preact/signals'
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import { useId, useMemo } from 'preact/hooks'
import { labelKeyError, labelValueError } from '../../domain/labels.ts'
import { useApp } from '../app-context.ts'
import { TextField } from '../ui/text-field.ts'
import type { BulkTask } from './bulk-task.ts'
import { InputForm } from './input-form.ts'

/** More keys than these would be no choice. */
const maxKeys = 50

export function LabelForm({ task, close }: { task: BulkTask; close: () => void }): VNode {
  const { store } = useApp()
  const listId = useId()
  const used = useMemo(
    () => countLabelKeys(task.names.map((name) => store.rows.get(name)?.peek().labels ?? {})),
    [],
  )
  const key = useSignal('')
  const value = useSignal('')
  const removed = useSignal<ReadonlySet<string>>(new Set())
  const [newKey, newValue] = [key.value.trim(), value.value.trim()]
  const isSet = newKey !== '' || newValue !== ''
  const problem = isSet ? (labelKeyError(newKey) ?? labelValueError(newKey, newValue)) : null
  const isBoth = isSet && removed.value.has(newKey) ? `${newKey} is set and removed.` : null
  const toggle = (name: string) => {
    const next = new Set(removed.value)
    if (!next.delete(name)) next.add(name)
    removed.value = next
  }
  const send = () =>
    task.startPreview({
      operation: 'label',
      labels: {
        ...(isSet && { set: { [newKey]: newValue } }),
        ...(removed.value.size > 0 && { remove: [...removed.value] }),
      },
    })
  const attributes = { autocomplete: 'off', autocapitalize: 'none', spellcheck: false }
  return html`<${InputForm} problem=${problem ?? isBoth} isReady=${isSet || removed.value.size > 0} onSubmit=${send} close=${close}>
    <fieldset class="bulk-pair">
      <legend>Set a label <small>(such as <code>team</code> = <code>shop</code>)</small></legend>
      <${TextField} label="Key" text=${key} attributes=${{ ...attributes, name: 'label-key', list: listId, autofocus: true }} />
      <${TextField} label="Value" text=${value} attributes=${{ ...attributes, name: 'label-value' }} />
      <datalist id=${listId}>${used.map(([name]) => html`<option key=${name} value=${name}></option>`)}</datalist>
    </fieldset>
    ${
      used.length > 0 &&
      html`<fieldset class="bulk-choices">
        <legend>Remove labels</legend>
        ${used.map(
          ([name, count]) => html`<label key=${name}>
            <input type="checkbox" checked=${removed.value.has(name)} onChange=${() => toggle(name)} />
            <span><code>${name}</code> <small>of ${count.toLocaleString()}</small></span>
          </label>`,
        )}
      </fieldset>`
    }
  <//>`
}

/** The keys that the deployments have, the most frequent first. */
function countLabelKeys(all: readonly Record<string, string>[]): [key: string, count: number][] {
  const counts = new Map<string, number>()
  for (const labels of all) for (const key of Object.keys(labels)) counts.set(key, (counts.get(key) ?? 0) + 1)
  return [...counts].sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1)).slice(0, maxKeys)
}
