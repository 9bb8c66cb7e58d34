/** The last row of a level: adds a new key. It suggests the keys that the scripts list. */
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import { useId } from 'preact/hooks'
import { Icon } from '../ui/icon.ts'
import { addDraft, type ConfigLevelState } from './config-level-state.ts'

export function NewKeyRow({ level }: { level: ConfigLevelState }): VNode {
  const id = useId()
  const { key } = level.draft.value
  const error = level.draftError.value
  const levelTitle = level.title.toLowerCase()
  const add = ({ currentTarget }: { currentTarget: HTMLElement }) => {
    addDraft(level)
    currentTarget.closest('.key-row')?.querySelector('input')?.focus()
  }
  const field = (part: 'key' | 'value') => ({
    autocomplete: 'off',
    autocapitalize: 'none' as const,
    spellcheck: false,
    'aria-label': `New ${part}, ${levelTitle}`,
    placeholder: part === 'key' ? 'new.key' : 'value',
    value: level.draft.value[part],
    onInput: (event: { currentTarget: HTMLInputElement }) => {
      level.draft.value = { ...level.draft.peek(), [part]: event.currentTarget.value }
    },
    onKeyDown: (event: KeyboardEvent & { currentTarget: HTMLElement }) => {
      if (event.key !== 'Enter' || event.ctrlKey || event.metaKey || key === '') return
      event.preventDefault()
      add(event)
    },
  })
  return html`<div class="key-row new-key-row">
    <input ...${field('key')} list=${id} aria-invalid=${error !== null} aria-describedby=${`${id}-error`} />
    <${Suggestions} id=${id} level=${level} />
    <div class="key-row-value">
      <input ...${field('value')} />
      <small class="invalid" role="alert" id=${`${id}-error`}>${error}</small>
    </div>
    <div class="key-row-buttons">
      <button type="button" class="icon-button" aria-label=${`Add key, ${levelTitle}`} title="Add" aria-disabled=${key === ''} onClick=${add}>
        <${Icon} name="plus" />
      </button>
    </div>
  </div>`
}

/** A separate component: redrawn when keys are added or removed, not on every keystroke. */
function Suggestions({ id, level }: { id: string; level: ConfigLevelState }): VNode {
  const rows = level.rows.value
  return html`<datalist id=${id}>
    ${level.defaults.value.keys.filter((key) => !rows.has(key)).map((key) => html`<option key=${key} value=${key} />`)}
  </datalist>`
}
