/** One key in the form: its value, its default, undo, back to the default, and remove. The rules are in config/config-edits.ts. */

import { useComputed } from '@preact/signals'
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import { useId } from 'preact/hooks'
import { configKeyError, configValueError } from '../../domain/overrides.ts'
import { isSecretReference } from '../../domain/secrets/secret-reference.ts'
import { removeKey, setValue, undoChange } from '../config/config-edits.ts'
import { ConfigKey } from '../config/config-key.ts'
import { shownValue } from '../config/secret-mark.ts'
import { Icon } from '../ui/icon.ts'
import type { ConfigLevelState } from './config-level-state.ts'

/** `prefix`: the part of the key that the group header already shows. */
type Props = { name: string; level: ConfigLevelState; prefix: string }

export function KeyRow({ name, level, prefix }: Props): VNode | null {
  const id = useId()
  const row = useComputed(() => level.rows.value.get(name)).value
  const isModified = useComputed(() => level.modifiedKeys.value.has(name)).value
  if (row === undefined) return null
  const { saved, overrides, defaults } = level
  const { value, kind, defaultValue } = row
  const error = kind === 'default' ? null : (configKeyError(name) ?? configValueError(name, value ?? ''))
  const set = (text: string) => {
    overrides.value = setValue(defaults.peek().pairs, overrides.peek(), name, text)
  }
  const undo = () => {
    overrides.value = undoChange(saved.peek(), overrides.peek(), name)
  }
  const remove = () => {
    overrides.value = removeKey(defaults.peek().pairs, overrides.peek(), name)
  }
  return html`<div class="key-row" data-kind=${kind} data-modified=${isModified}>
    <label for=${id}><${ConfigKey} name=${name} prefixLength=${prefix.length} /></label>
    <div class="key-row-value">
      ${
        value === null
          ? html`<output id=${id} aria-label=${name} class="removed-value">removed</output>`
          : html`<${ValueField} id=${id} name=${name} value=${value} onChange=${set} invalid=${error !== null} secretHint=${kind === 'default' ? 'secret default' : 'secret, unchanged'} />`
      }
      ${
        kind !== 'default' &&
        html`<small class="default-value">
          ${kind === 'added' && html`<span class="tag">added</span>`}
          ${defaultValue !== null && html`<span>default <code>${shownValue(defaultValue)}</code></span>`}
          ${
            isModified
              ? html`<${RowLink} text="Undo my change" keyName=${name} onClick=${undo} />`
              : defaultValue !== null &&
                html`<${RowLink} text="Use the default" keyName=${name} onClick=${undo} />`
          }
        </small>`
      }
      ${kind === 'default' && isModified && html`<small class="default-value"><${RowLink} text="Undo my change" keyName=${name} onClick=${undo} /></small>`}
      ${error !== null && html`<small class="invalid" role="alert">${error}</small>`}
    </div>
    <div class="key-row-buttons">
      ${
        value !== null &&
        html`<button
          type="button"
          class="icon-button"
          aria-label=${defaultValue === null ? `Remove ${name}` : `Remove the default of ${name}`}
          title=${defaultValue === null ? 'Remove this key' : 'Remove the default: the deployment has no such key then'}
          onClick=${keepingFocus(remove)}
        >
          <${Icon} name=${defaultValue === null ? 'trash' : 'remove'} />
        </button>`
      }
    </div>
  </div>`
}

type RowLinkProps = { text: string; keyName: string; onClick: () => void }

const RowLink = ({ text, keyName, onClick }: RowLinkProps): VNode =>
  html`<button type="button" class="row-link" aria-label=${`${text}: ${keyName}`} onClick=${keepingFocus(onClick)}>${text}</button>`

const keepingFocus =
  (onClick: () => void) =>
  ({ currentTarget }: { currentTarget: HTMLElement }) => {
    keepFocusInRow(currentTarget)
    onClick()
  }

/** A pressed button or an edited field may disappear; the focus stays in the same row. */
function keepFocusInRow(element: HTMLElement): void {
  const row = element.closest('.key-row')
  requestAnimationFrame(() => row?.querySelector<HTMLElement>('input, textarea, button')?.focus())
}

/** `secretHint`: stands in the empty field of a hidden value. */
type FieldProps = {
  id: string
  name: string
  value: string
  onChange(value: string): void
  invalid: boolean
  secretHint: string
}

/**
 * An `input` for one line. An `input` drops line breaks silently, so values with line breaks get a
 * `textarea`.
 */
function ValueField({ id, name, value, onChange, invalid, secretHint }: FieldProps): VNode {
  const onInput = (event: { currentTarget: { value: string } }) => onChange(event.currentTarget.value)
  // The field is empty: what is typed replaces the secret, and nothing of it can be copied.
  const isSecret = isSecretReference(value)
  const shown = isSecret ? '' : value
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
    onChange(shown.slice(0, selectionStart ?? 0) + text + shown.slice(selectionEnd ?? shown.length))
  }
  return html`<input
    id=${id}
    aria-label=${name}
    autocomplete="off"
    autocapitalize="none"
    spellcheck=${false}
    aria-invalid=${invalid}
    class=${isSecret ? 'secret-field' : ''}
    placeholder=${isSecret ? secretHint : ''}
    value=${shown}
    onInput=${onInput}
    onPaste=${onPaste}
  />`
}
