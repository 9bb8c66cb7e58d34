/** The row at the end of a level for a key it does not have yet, with the keys the scripts suggest. */
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import { useId } from 'preact/hooks'
import { Icon } from '../parts/icon.ts'
import { addTyped, type Level } from './editing.ts'

export function NewRow({ level }: { level: Level }): VNode {
  const id = useId()
  const { key } = level.typed.value
  const problem = level.typedProblem.value
  const where = level.title.toLowerCase()
  const add = ({ currentTarget }: { currentTarget: HTMLElement }) => {
    addTyped(level)
    currentTarget.closest('.row')?.querySelector('input')?.focus()
  }
  const field = (part: 'key' | 'value') => ({
    autocomplete: 'off',
    autocapitalize: 'none',
    spellcheck: false,
    'aria-label': `New ${part}, ${where}`,
    placeholder: part === 'key' ? 'new.key' : 'value',
    value: level.typed.value[part],
    onInput: (event: { currentTarget: HTMLInputElement }) => {
      level.typed.value = { ...level.typed.peek(), [part]: event.currentTarget.value }
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
function Suggestions({ id, level }: { id: string; level: Level }): VNode {
  const rows = level.rows.value
  return html`<datalist id=${id}>
    ${level.defaults.value.keys.filter((one) => !rows.has(one)).map((one) => html`<option key=${one} value=${one} />`)}
  </datalist>`
}
