/** One config level in the form: every key with its value, its default, and a way back. Rules: config-rows.ts. */
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import { useId } from 'preact/hooks'
import { keyProblem, normaliseKey } from '../../domain/overrides.ts'
import { type ConfigRow, configRows, problemsOf, removeKey, setValue, undoKey } from '../config-rows.ts'
import { Icon } from '../parts/icon.ts'
import { Key } from '../parts/key.ts'
import { ProblemBox } from '../parts/problem.ts'
import { count } from '../words.ts'
import { addTyped, type Level } from './form.ts'

export function LevelEditor({ level, again }: { level: Level; again: () => void }): VNode {
  const { state, pairs, problem } = level.defaults.value
  const overrides = level.overrides.value
  const problems = problemsOf(overrides)
  return html`<section class="level" aria-label=${level.title} aria-busy=${state === 'loading'}>
    <div class="level-head">
    <h3>${level.title}</h3>
    <span class="level-note" role="status">
      ${state === 'loading' ? 'Loading defaults…' : overrides.length > 0 ? count(overrides.length, 'override') : ''}
    </span>
    </div>
    ${problem !== null && html`<${ProblemBox} title="The defaults could not be loaded" problem=${problem} again=${again} />`}
    <div class="rows">
      ${configRows(pairs, overrides).map(
        (row) =>
          html`<${EditRow} key=${row.key} row=${row} level=${level} problem=${problems.get(row.key) ?? null} />`,
      )}
      <${NewRow} level=${level} />
    </div>
  </section>`
}

type EditProps = { row: ConfigRow; level: Level; problem: string | null }

function EditRow({ row, level, problem }: EditProps): VNode {
  const id = useId()
  const { initial, overrides, defaults } = level
  const { pairs } = defaults.value
  const set = (value: string) => {
    overrides.value = setValue(pairs, overrides.value, row.key, value)
  }
  return html`<div class="row" data-kind=${row.kind}>
    <label for=${id}><${Key} text=${row.key} /></label>
    <div class="row-value">
      ${
        row.value === null
          ? html`<span class="removed-value" id=${id}>removed</span>`
          : html`<${ValueField} id=${id} value=${row.value} set=${set} invalid=${problem !== null} />`
      }
      ${row.kind === 'changed' && html`<small class="was">default <code>${row.standard || 'empty'}</code></small>`}
      ${problem !== null && html`<small class="wrong" role="alert">${problem}</small>`}
    </div>
    <div class="row-tools">
      ${
        row.kind !== 'default' &&
        html`<button
          type="button"
          class="icon-button"
          aria-label=${`Undo ${row.key}`}
          title="Undo"
          onClick=${(event: Click) => {
            stayInRow(event)
            overrides.value = undoKey(initial, overrides.value, row.key)
          }}
        >
          <${Icon} name="undo" />
        </button>`
      }
      ${
        row.value !== null &&
        html`<button
          type="button"
          class="icon-button"
          aria-label=${`Remove ${row.key}`}
          title="Remove"
          onClick=${(event: Click) => {
            stayInRow(event)
            overrides.value = removeKey(pairs, overrides.value, row.key)
          }}
        >
          <${Icon} name="trash" />
        </button>`
      }
    </div>
  </div>`
}

type Click = { currentTarget: HTMLElement }

/** The button goes with what it did: the keyboard goes on in the same row. */
function stayInRow({ currentTarget }: Click): void {
  const row = currentTarget.closest('.row')
  requestAnimationFrame(() => row?.querySelector<HTMLElement>('input, textarea, button')?.focus())
}

type FieldProps = { id: string; value: string; set(value: string): void; invalid: boolean }

/** A line for what is one line; an `input` would silently drop line breaks, so a text of several gets its own field. */
function ValueField({ id, value, set, invalid }: FieldProps): VNode {
  const onInput = (event: { currentTarget: HTMLInputElement }) => set(event.currentTarget.value)
  const lines = value.split('\n').length
  if (lines > 1) {
    return html`<textarea id=${id} rows=${Math.min(lines, 12)} spellcheck=${false} value=${value} onInput=${onInput}></textarea>`
  }
  const onPaste = (event: ClipboardEvent & { currentTarget: HTMLInputElement }) => {
    const text = event.clipboardData?.getData('text').replace(/\r\n?/g, '\n').replace(/\n$/, '') ?? ''
    if (!text.includes('\n')) return
    event.preventDefault()
    const { selectionStart, selectionEnd } = event.currentTarget
    set(value.slice(0, selectionStart ?? 0) + text + value.slice(selectionEnd ?? value.length))
  }
  return html`<input
    id=${id}
    autocomplete="off"
    autocapitalize="none"
    spellcheck=${false}
    aria-invalid=${invalid}
    value=${value}
    onInput=${onInput}
    onPaste=${onPaste}
  />`
}

function NewRow({ level }: { level: Level }): VNode {
  const id = useId()
  const { key, value } = level.typed.value
  const taken = new Set(configRows(level.defaults.value.pairs, level.overrides.value).map((row) => row.key))
  const normal = normaliseKey(key)
  const problem =
    key === '' ? null : taken.has(normal) ? `${normal} is in the list above.` : keyProblem(normal)
  const add = () => problem === null && addTyped(level)
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key !== 'Enter' || event.ctrlKey || event.metaKey || key === '') return
    event.preventDefault()
    add()
  }
  const field = (part: 'key' | 'value') => (event: { currentTarget: HTMLInputElement }) => {
    level.typed.value = { ...level.typed.value, [part]: event.currentTarget.value }
  }
  return html`<div class="row new-row">
    <input
      list=${id}
      aria-label=${`New key, ${level.title.toLowerCase()}`}
      placeholder="new.key"
      autocomplete="off"
      autocapitalize="none"
      spellcheck=${false}
      aria-invalid=${problem !== null}
      value=${key}
      onInput=${field('key')}
      onKeyDown=${onKeyDown}
    />
    <datalist id=${id}>
      ${level.defaults.value.keys.filter((one) => !taken.has(one)).map((one) => html`<option key=${one} value=${one} />`)}
    </datalist>
    <div class="row-value">
      <input
        aria-label=${`New value, ${level.title.toLowerCase()}`}
        placeholder="value"
        autocomplete="off"
        autocapitalize="none"
        spellcheck=${false}
        value=${value}
        onInput=${field('value')}
        onKeyDown=${onKeyDown}
      />
      ${problem !== null && html`<small class="wrong" role="alert">${problem}</small>`}
    </div>
    <div class="row-tools">
      <button type="button" class="icon-button" aria-label="Add key" title="Add" disabled=${key === ''} onClick=${add}>
        <${Icon} name="plus" />
      </button>
    </div>
  </div>`
}
