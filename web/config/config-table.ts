/** The effective config of one level: overrides stand out, defaults are pale, removed keys are struck out. */
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
import { shownValue } from './secret-mark.ts'

type Props = {
  title: string
  overrides: ReadonlySignal<readonly Override[]>
  defaults: ReadonlySignal<ConfigDefaults>
  onRetry: () => void
}

export function ConfigTable({ title, overrides, defaults, onRetry }: Props): VNode {
  const onlyOverrides = useSignal(false)
  const { state, pairs, error } = defaults.value
  const rows = buildConfigRows(pairs, overrides.value)
  const shown = onlyOverrides.value ? rows.filter((row) => row.kind !== 'default') : rows
  return html`<section class="config card" aria-label=${title}>
    <header class="card-header">
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
    ${state === 'failed' && error !== null && html`<${ErrorBox} title="Could not load the defaults" error=${error} onRetry=${onRetry} />`}
    ${state === 'loading' && pairs.length === 0 && html`<p class="card-empty" role="status">Loading defaults <${ElapsedTime} /></p>`}
    ${state === 'waiting' && html`<p class="card-empty">Waiting for the defaults of the deployment config.</p>`}
    ${state === 'ready' && rows.length === 0 && html`<p class="card-empty">No config at this level.</p>`}
    <dl class="config-entries">
      ${shown.map(
        ({ key, value, defaultValue, kind }) => html`<div key=${key} class="config-entry" data-kind=${kind}>
          <dt><${ConfigKey} name=${key} /></dt>
          <dd>
            ${
              value === null
                ? html`<del>${shownValue(defaultValue ?? '')}</del>`
                : html`<span class="config-entry-value">${value === '' ? html`<i>empty</i>` : shownValue(value)}</span>`
            }
            ${kind !== 'default' && html`<span class="tag">${kind}</span>`}
            ${kind === 'changed' && html`<small class="default-value">default <code>${shownValue(defaultValue ?? '')}</code></small>`}
          </dd>
        </div>`,
      )}
    </dl>
  </section>`
}
