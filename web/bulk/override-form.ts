/** Which config key of many deployments is set or unset. Drawn by the dialog before the preview. */
import { useSignal } from '@preact/signals'
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import { useId, useMemo } from 'preact/hooks'
import {
  type ConfigLevel,
  configKeyError,
  configValueError,
  normalizeKey,
  overridesFromWire,
} from '../../domain/overrides.ts'
import { useApp } from '../app-context.ts'
import { TextField } from '../ui/text-field.ts'
import type { BulkTask } from './bulk-task.ts'
import { InputForm } from './input-form.ts'

/** Suggestions are no list to read. */
const maxKeys = 200

/** Longer values scroll. */
const maxRows = 12

export function OverrideForm({ task, close }: { task: BulkTask; close: () => void }): VNode {
  const listId = useId()
  const isSet = task.operation === 'set'
  const level = useSignal<ConfigLevel>('application')
  const text = useSignal('')
  const value = useSignal('')
  const used = useOverrideKeys(task.names, level.value)
  const key = normalizeKey(text.value)
  const problem =
    key === '' ? null : (configKeyError(key) ?? (isSet ? configValueError(key, value.value) : null))
  const send = () => {
    const override = { level: level.value, key, ...(isSet && { value: value.value }) }
    task.startPreview({ operation: isSet ? 'set' : 'unset', override })
  }
  const attributes = {
    name: 'override-key',
    autocomplete: 'off',
    autocapitalize: 'none',
    spellcheck: false,
    autofocus: true,
    list: listId,
    placeholder: 'image.tag',
  }
  return html`<${InputForm} problem=${problem} isReady=${key !== ''} onSubmit=${send} close=${close}>
    <label class="field">
      <span>Level</span>
      <select value=${level.value} onChange=${(event: { currentTarget: HTMLSelectElement }) => {
        level.value = event.currentTarget.value as ConfigLevel
      }}>
        <option value="application">Application config</option>
        <option value="deployment">Deployment config</option>
      </select>
    </label>
    <${TextField} label="Key" text=${text} attributes=${attributes} />
    <datalist id=${listId}>${used.map((name) => html`<option key=${name} value=${name}></option>`)}</datalist>
    ${
      isSet &&
      html`<label class="field">
        <span>Value</span>
        <textarea name="override-value" rows=${Math.min(value.value.split('\n').length, maxRows)} autocomplete="off" autocapitalize="none" spellcheck=${false} value=${value.value} onKeyDown=${sendOnEnter} onInput=${(event: {
          currentTarget: HTMLTextAreaElement
        }) => {
          value.value = event.currentTarget.value
        }}></textarea>
      </label>`
    }
  <//>`
}

/** Enter goes on as in a field of one line; Shift + Enter begins a new line of the value. */
function sendOnEnter(event: KeyboardEvent & { currentTarget: HTMLTextAreaElement }): void {
  if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return
  event.preventDefault()
  event.currentTarget.form?.requestSubmit()
}

/** The keys that these deployments override already. */
function useOverrideKeys(names: readonly string[], level: ConfigLevel): string[] {
  const { store } = useApp()
  return useMemo(() => {
    const keys = new Set<string>()
    for (const name of names) {
      const info = store.rows.get(name)?.peek()
      for (const [key] of info ? overridesFromWire(info.deployment)[level] : []) keys.add(key)
    }
    return [...keys].sort().slice(0, maxKeys)
  }, [level])
}
