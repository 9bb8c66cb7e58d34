/** A list of config changes: key, value before, value after. */
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import type { ConfigChange } from './config-diff.ts'

export function ConfigDiff({ changes }: { changes: readonly ConfigChange[] }): VNode | null {
  if (changes.length === 0) return null
  return html`<ul class="config-diff">
    ${changes.map(
      ({ key, before, after }) => html`<li key=${key} data-kind=${changeKind(before, after)}>
        <code>${key}</code>
        ${typeof before === 'string' && html`<del>${before || 'empty'}</del>`}
        ${typeof after === 'string' ? html`<ins>${after || 'empty'}</ins>` : html`<span class="tag">${after === null ? 'removed' : 'default'}</span>`}
      </li>`,
    )}
  </ul>`
}

/** The kind of a row of the config table, so that both have the same color. */
function changeKind(before: ConfigChange['before'], after: ConfigChange['after']): string {
  if (typeof after !== 'string') return after === null ? 'removed' : 'default'
  return typeof before === 'string' ? 'changed' : 'added'
}
