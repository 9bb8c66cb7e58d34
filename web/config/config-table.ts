/**
 * The effective config of one level: the overrides, then the defaults, which are folded when there are many. A filter finds
 * keys and values in both.
 */
import { type ReadonlySignal, useSignal } from '@preact/signals'
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import { useId } from 'preact/hooks'
import type { Override } from '../../domain/overrides.ts'
import { pluralize } from '../format.ts'
import { ElapsedTime } from '../ui/elapsed-time.ts'
import { ErrorBox } from '../ui/error-box.ts'
import { Icon } from '../ui/icon.ts'
import type { ConfigDefaults } from './config-defaults.ts'
import { buildConfigRows, type ConfigRow } from './config-edits.ts'
import { ConfigKey } from './config-key.ts'
import { filterAboveKeys, KeyFilter, matchesRow } from './key-filter.ts'
import { shownValue } from './secret-mark.ts'

/** So many defaults are shown without being asked for. */
const maxOpenDefaults = 6
/** Rows that are drawn at first, and added by each press. */
const rowsPerStep = 200

type Props = {
  title: string
  overrides: ReadonlySignal<readonly Override[]>
  defaults: ReadonlySignal<ConfigDefaults>
  onRetry: () => void
}

export function ConfigTable({ title, overrides, defaults, onRetry }: Props): VNode {
  const filter = useSignal('')
  const { state, pairs, error } = defaults.value
  const rows = buildConfigRows(pairs, overrides.value)
  const shown = rows.filter((row) => matchesRow(row, filter.value))
  const overridden = shown.filter(({ kind }) => kind !== 'default')
  const standard = shown.filter(({ kind }) => kind === 'default')
  return html`<section class="config card" aria-label=${title}>
    <header class="card-header">
      <h2>${title}</h2>
      <span class="card-note">${pluralize(overrides.value.length, 'override')}</span>
      ${rows.length > filterAboveKeys && html`<${KeyFilter} filter=${filter} count=${rows.length} title=${title} />`}
    </header>
    ${state === 'failed' && error !== null && html`<${ErrorBox} title="Could not load the defaults" error=${error} onRetry=${onRetry} />`}
    ${state === 'loading' && pairs.length === 0 && html`<p class="card-empty" role="status">Loading defaults <${ElapsedTime} /></p>`}
    ${state === 'waiting' && html`<p class="card-empty">Waiting for the defaults of the deployment config.</p>`}
    ${state === 'ready' && rows.length === 0 && html`<p class="card-empty">No config at this level.</p>`}
    ${rows.length > 0 && shown.length === 0 && html`<p class="card-empty" role="status">Nothing matches.</p>`}
    ${overridden.length > 0 && html`<${Rows} rows=${overridden} />`}
    ${standard.length > 0 && html`<${Defaults} rows=${standard} isFiltered=${filter.value.trim() !== ''} title=${title} />`}
  </section>`
}

type DefaultsProps = { rows: readonly ConfigRow[]; isFiltered: boolean; title: string }

function Defaults({ rows, isFiltered, title }: DefaultsProps): VNode {
  const id = useId()
  const isOpen = useSignal(false)
  if (isFiltered || rows.length <= maxOpenDefaults) return html`<${Rows} rows=${rows} />`
  return html`<button
      type="button"
      class="defaults-toggle"
      aria-expanded=${isOpen.value}
      aria-controls=${id}
      aria-label=${`${pluralize(rows.length, 'default')}, ${title.toLowerCase()}`}
      onClick=${() => {
        isOpen.value = !isOpen.value
      }}
    >
      <${Icon} name="down" />${pluralize(rows.length, 'default')}
    </button>
    <div id=${id}>${isOpen.value && html`<${Rows} rows=${rows} />`}</div>`
}

function Rows({ rows }: { rows: readonly ConfigRow[] }): VNode {
  const count = useSignal(rowsPerStep)
  const rest = rows.length - count.value
  return html`<dl class="config-entries">
      ${rows.slice(0, count.value).map((row) => html`<${Entry} key=${row.key} row=${row} />`)}
    </dl>
    ${
      rest > 0 &&
      html`<div class="load-more">
        <button
          type="button"
          onClick=${() => {
            count.value += rowsPerStep
          }}
        >
          Show ${Math.min(rest, rowsPerStep)} more of ${rest.toLocaleString()}
        </button>
      </div>`
    }`
}

function Entry({ row: { key, value, defaultValue, kind } }: { row: ConfigRow }): VNode {
  const isSame = kind === 'changed' && value === defaultValue
  return html`<div class="config-entry" data-kind=${kind}>
    <dt><${ConfigKey} name=${key} /></dt>
    <dd>
      ${
        value === null
          ? html`<del>${shownValue(defaultValue ?? '')}</del>`
          : html`<span class="config-entry-value">${value === '' ? html`<i>empty</i>` : shownValue(value)}</span>`
      }
      ${kind !== 'default' && html`<span class="tag">${isSame ? 'same as the default' : kind}</span>`}
      ${kind === 'changed' && !isSame && html`<small class="default-value">default <code>${shownValue(defaultValue ?? '')}</code></small>`}
    </dd>
  </div>`
}
