/** The row at the end of a level for a key it does not have yet, with the keys the scripts suggest. */
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import { useId } from 'preact/hooks'
import { Icon } from '../ui/icon.ts'
import { addDraft, type ConfigLevelState } from './config-level-state.ts'

export function NewKeyRow({ level }: { level: ConfigLevelState }): VNode {
  const id = useId()
  const { key } = level.draft.value
  const problem = level.draftProblem.value
  const where = level.title.toLowerCase()
  const add = ({ currentTarget }: { currentTarget: HTMLElement }) => {
    addDraft(level)
    currentTarget.closest('.row')?.querySelector('input')?.focus()
  }
  const field = (part: 'key' | 'value') => ({
    autocomplete: 'off',
    autocapitalize: 'none',
    spellcheck: false,
    'aria-label': `New ${part}, ${where}`,
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
  return html`<div class="row new-row">
    <input ...${field('key')} list=${id} aria-invalid=${problem !== null} aria-describedby=${`${id}-problem`} />
    <${Suggestions} id=${id} level=${level} />
    <div class="row-value">
      <input ...${field('value')} />
      <small class="wrong" role="alert" id=${`${id}-problem`}>${problem}</small>
    </div>
    <div class="row-tools">
      <button type="button" class="icon-button" aria-label=${`Add key, ${where}`} title="Add" aria-disabled=${key === ''} onClick=${add}>
        <${Icon} name="plus" />
      </button>
    </div>
  </div>`
}

/** Redrawn when keys come or go, not while one is typed. */
function Suggestions({ id, level }: { id: string; level: ConfigLevelState }): VNode {
  const rows = level.rows.value
  return html`<datalist id=${id}>
    ${level.defaults.value.keys.filter((one) => !rows.has(one)).map((one) => html`<option key=${one} value=${one} />`)}
  </datalist>`
}
