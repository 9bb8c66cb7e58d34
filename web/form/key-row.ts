/** One key in the form: its value, its default, and a way back. Rules: config-diff.ts. */
import { useComputed } from '@preact/signals'
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import { useId } from 'preact/hooks'
import { configKeyError, configValueError } from '../../domain/overrides.ts'
import { removeKey, setValue, undoChange } from '../config/config-diff.ts'
import { ConfigKey } from '../config/config-key.ts'
import { Icon } from '../ui/icon.ts'
import type { ConfigLevelState } from './config-level-state.ts'

/** `prefix`: what the group above has said already. */
type Props = { name: string; level: ConfigLevelState; prefix: string }

export function KeyRow({ name, level, prefix }: Props): VNode | null {
  const id = useId()
  const row = useComputed(() => level.rows.value.get(name)).value
  const isModified = useComputed(() => level.modifiedKeys.value.has(name)).value
  if (row === undefined) return null
  const { saved, overrides, defaults } = level
  const { value, kind, defaultValue } = row
  const problem = kind === 'default' ? null : (configKeyError(name) ?? configValueError(name, value ?? ''))
  const set = (text: string) => {
    overrides.value = setValue(defaults.peek().pairs, overrides.peek(), name, text)
  }
  const undo = () => {
    overrides.value = undoChange(saved.peek(), overrides.peek(), name)
  }
  const remove = () => {
    overrides.value = removeKey(defaults.peek().pairs, overrides.peek(), name)
  }
  return html`<div class="row" data-kind=${kind} data-touched=${isModified}>
    <label for=${id}><${ConfigKey} text=${name} said=${prefix.length} /></label>
    <div class="row-value">
      ${
        value === null
          ? html`<output id=${id} aria-label=${name} class="removed-value">removed</output>`
          : html`<${ValueField} id=${id} name=${name} value=${value} set=${set} invalid=${problem !== null} />`
      }
      ${kind === 'added' && html`<small class="was"><span class="kind">added</span></small>`}
      ${
        defaultValue !== null &&
        kind !== 'default' &&
        html`<small class="was">default <code>${defaultValue || 'empty'}</code></small>`
      }
      ${problem !== null && html`<small class="wrong" role="alert">${problem}</small>`}
    </div>
    <div class="row-tools">
      ${kind !== 'default' && html`<${RowButton} icon="undo" verb="Undo" name=${name} press=${undo} />`}
      ${value !== null && html`<${RowButton} icon="trash" verb="Remove" name=${name} press=${remove} />`}
    </div>
  </div>`
}

type RowButtonProps = { icon: 'undo' | 'trash'; verb: string; name: string; press: () => void }

function RowButton({ icon, verb, name, press }: RowButtonProps): VNode {
  return html`<button
    type="button"
    class="icon-button"
    aria-label=${`${verb} ${name}`}
    title=${verb}
    onClick=${({ currentTarget }: { currentTarget: HTMLElement }) => {
      keepFocusInRow(currentTarget)
      press()
    }}
  >
    <${Icon} name=${icon} />
  </button>`
}

/** What was pressed or typed in may go with what it did: the keyboard goes on in the same row. */
function keepFocusInRow(element: HTMLElement): void {
  const row = element.closest('.row')
  requestAnimationFrame(() => row?.querySelector<HTMLElement>('input, textarea, button')?.focus())
}

type FieldProps = { id: string; name: string; value: string; set(value: string): void; invalid: boolean }

/** A line for what is one line; an `input` would silently drop line breaks, so a text of several gets its own field. */
function ValueField({ id, name, value, set, invalid }: FieldProps): VNode {
  const onInput = (event: { currentTarget: HTMLInputElement }) => set(event.currentTarget.value)
  const lines = value.split('\n').length
  if (lines > 1) {
    return html`<textarea id=${id} aria-label=${name} rows=${Math.min(lines, 12)} spellcheck=${false} value=${value} onInput=${onInput}></textarea>`
  }
  const onPaste = (event: ClipboardEvent & { currentTarget: HTMLInputElement }) => {
    const text = event.clipboardData?.getData('text').replace(/\r\n?/g, '\n').replace(/\n$/, '') ?? ''
    if (!text.includes('\n')) return
    event.preventDefault()
    const { selectionStart, selectionEnd } = event.currentTarget
    keepFocusInRow(event.currentTarget)
    set(value.slice(0, selectionStart ?? 0) + text + value.slice(selectionEnd ?? value.length))
  }
  return html`<input
    id=${id}
    aria-label=${name}
    autocomplete="off"
    autocapitalize="none"
    spellcheck=${false}
    aria-invalid=${invalid}
    value=${value}
    onInput=${onInput}
    onPaste=${onPaste}
  />`
}
