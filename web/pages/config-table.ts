/** The effective config of one level: overrides stand out, defaults are pale, removed keys struck out. */
import { type ReadonlySignal, useSignal } from '@preact/signals'
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import type { Override } from '../../domain/overrides.ts'
import { configRows } from '../config-rows.ts'
import type { Defaults } from '../defaults.ts'
import { Key } from '../parts/key.ts'
import { ProblemBox } from '../parts/problem.ts'
import { Waited } from '../parts/waited.ts'
import { count } from '../words.ts'

type Props = {
  title: string
  overrides: ReadonlySignal<readonly Override[]>
  defaults: ReadonlySignal<Defaults>
  again: () => void
}

export function ConfigTable({ title, overrides, defaults, again }: Props): VNode {
  const onlyOverrides = useSignal(false)
  const { state, pairs, problem } = defaults.value
  const rows = configRows(pairs, overrides.value)
  const shown = onlyOverrides.value ? rows.filter((row) => row.kind !== 'default') : rows
  return html`<section class="config card" aria-label=${title}>
    <header class="card-head">
      <h2>${title}</h2>
      <span class="card-note">${count(overrides.value.length, 'override')}</span>
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
    ${state === 'failed' && problem !== null && html`<${ProblemBox} title="The defaults could not be loaded" problem=${problem} again=${again} />`}
    ${state === 'loading' && pairs.length === 0 && html`<p class="card-wait" role="status">Loading defaults <${Waited} /></p>`}
    ${state === 'waiting' && html`<p class="card-wait">The defaults wait for those of the deployment config.</p>`}
    ${state === 'ready' && rows.length === 0 && html`<p class="card-wait">This level has no config.</p>`}
    <dl class="pairs">
      ${shown.map(
        ({ key, value, standard, kind }) => html`<div key=${key} class="pair" data-kind=${kind}>
          <dt><${Key} text=${key} /></dt>
          <dd>
            ${
              value === null
                ? html`<del>${standard ?? ''}</del>`
                : html`<span class="pair-value">${value === '' ? html`<i>empty</i>` : value}</span>`
            }
            ${kind !== 'default' && html`<span class="kind">${kind}</span>`}
            ${kind === 'changed' && html`<small class="was">default <code>${standard || 'empty'}</code></small>`}
          </dd>
        </div>`,
      )}
    </dl>
  </section>`
}
