/** The fields for the title and the labels of a deployment: in the form of a new one, and in the dialog of an existing one. */
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import { useId } from 'preact/hooks'
import { Icon } from '../../ui/icon.ts'
import type { LabelInput, LabelRow } from './label-input.ts'

type InputEvent = { currentTarget: HTMLInputElement }

export function LabelFields({ input, autofocus = false }: { input: LabelInput; autofocus?: boolean }): VNode {
  const rows = input.rows.value
  return html`
    <${TitleField} input=${input} autofocus=${autofocus} />
    <fieldset class="label-rows">
      <legend>Labels <small>(optional, to find and select deployments, such as <code>team</code> = <code>shop</code>)</small></legend>
      ${rows.map((row, index) => html`<${LabelRowFields} key=${index} input=${input} row=${row} index=${index} isLast=${index === rows.length - 1} />`)}
    </fieldset>
  `
}

function TitleField({ input, autofocus }: { input: LabelInput; autofocus: boolean }): VNode {
  const id = useId()
  const error = input.titleError.value
  return html`<div class="field">
    <label for=${id}>Title <small>(optional, a short description)</small></label>
    <input
      id=${id}
      name="title"
      autocomplete="off"
      autofocus=${autofocus}
      value=${input.title.value}
      aria-invalid=${error !== null}
      aria-describedby=${`${id}-error`}
      onInput=${({ currentTarget }: InputEvent) => {
        input.title.value = currentTarget.value
      }}
    />
    <small id=${`${id}-error`} class="invalid" role="status">${error}</small>
  </div>`
}

type RowProps = { input: LabelInput; row: LabelRow; index: number; isLast: boolean }

function LabelRowFields({ input, row, index, isLast }: RowProps): VNode {
  const id = useId()
  const error = input.rowErrors.value[index] ?? null
  const field = (part: keyof LabelRow) => ({
    'aria-label': `${part === 'key' ? 'Key' : 'Value'} of label ${index + 1}`,
    placeholder: part,
    autocomplete: 'off',
    autocapitalize: 'none' as const,
    spellcheck: false,
    value: row[part],
    'aria-invalid': error?.part === part,
    'aria-describedby': id,
    onInput: ({ currentTarget }: InputEvent) => input.edit(index, { [part]: currentTarget.value }),
    onKeyDown: (event: KeyboardEvent & InputEvent) => {
      // Enter in the empty row sends the form.
      if (event.key !== 'Enter' || event.ctrlKey || event.metaKey || isLast) return
      event.preventDefault()
      focusInput(event.currentTarget, index * 2 + (part === 'key' ? 1 : 2))
    },
  })
  const remove = ({ currentTarget }: { currentTarget: HTMLElement }) => {
    focusInput(currentTarget, index * 2)
    input.remove(index)
  }
  return html`<div class="label-row">
    <input ...${field('key')} />
    <input ...${field('value')} />
    ${!isLast && html`<button type="button" class="icon-button" aria-label=${`Remove label ${row.key || index + 1}`} title="Remove" onClick=${remove}><${Icon} name="trash" /></button>`}
    <small id=${id} class="invalid" role="status">${error?.text}</small>
  </div>`
}

/** A row has two. At once, so that what is typed next is in the right field: the input stays when a row is removed. */
function focusInput(element: HTMLElement, number: number): void {
  element.closest('.label-rows')?.querySelectorAll('input')[number]?.focus()
}
