/** The effective config of one level: overrides stand out, defaults are pale, removed keys struck out. */
import { type ReadonlySignal, useSignal } from '@preact/signals'
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import type { Override } from '../../domain/overrides.ts'
import { pluralize } from '../format.ts'
import { ElapsedTime } from '../ui/elapsed-time.ts'
import { ErrorBox } from '../ui/error-box.ts'
import type { ConfigDefaults } from './config-defaults.ts'
import { buildConfigRows } from './config-diff.ts'
import { ConfigKey } from './config-key.ts'

type Props = {
  title: string
  overrides: ReadonlySignal<readonly Override[]>
  defaults: ReadonlySignal<ConfigDefaults>
  again: () => void
}

export function ConfigTable({ title, overrides, defaults, again }: Props): VNode {
  const onlyOverrides = useSignal(false)
  const { state, pairs, problem } = defaults.value
  const rows = buildConfigRows(pairs, overrides.value)
  const shown = onlyOverrides.value ? rows.filter((row) => row.kind !== 'default') : rows
  return html`<section class="config card" aria-label=${title}>
    <header class="card-head">
      <h2>${title}</h2>
      <span class="card-note">${pluralize(overrides.value.length, 'override')}</span>
      ${
        overrides.value.length > 0 &&
        html`<label class="switch small">
          <input
            type="checkbox"
            role="switch"
            checked=${onlyOverrides.value}
            onChange=${(event: { currentTarget: HTMLInputElement }) => {
              onlyOverrides.value = event.currentTarget.checked
            }}
          />
          <span>Only overrides</span>
        </label>`
      }
    </header>
    ${state === 'failed' && problem !== null && html`<${ErrorBox} title="The defaults could not be loaded" problem=${problem} again=${again} />`}
    ${state === 'loading' && pairs.length === 0 && html`<p class="card-wait" role="status">Loading defaults <${ElapsedTime} /></p>`}
    ${state === 'waiting' && html`<p class="card-wait">The defaults wait for those of the deployment config.</p>`}
    ${state === 'ready' && rows.length === 0 && html`<p class="card-wait">This level has no config.</p>`}
    <dl class="pairs">
      ${shown.map(
        ({ key, value, defaultValue, kind }) => html`<div key=${key} class="pair" data-kind=${kind}>
          <dt><${ConfigKey} text=${key} /></dt>
          <dd>
            ${
              value === null
                ? html`<del>${defaultValue ?? ''}</del>`
                : html`<span class="pair-value">${value === '' ? html`<i>empty</i>` : value}</span>`
            }
            ${kind !== 'default' && html`<span class="kind">${kind}</span>`}
            ${kind === 'changed' && html`<small class="was">default <code>${defaultValue || 'empty'}</code></small>`}
          </dd>
        </div>`,
      )}
    </dl>
  </section>`
}
