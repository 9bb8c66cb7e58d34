/** A list of config changes: key, value before, value after. */
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import { type ConfigChange, isSecretChange } from '../../client/config-diff.ts'
import { SecretMark, shownValue } from './secret-mark.ts'

export function ConfigDiff({ changes }: { changes: readonly ConfigChange[] }): VNode | null {
  if (changes.length === 0) return null
  return html`<ul class="config-diff">
    ${changes.map(
      ({ key, before, after, defaultValue }) => html`<li key=${key} data-kind=${changeKind(before, after)}>
        <code>${key}</code>
        ${
          isSecretChange({ before, after })
            ? html`<${SecretMark}>secret changed<//>`
            : html`${typeof before === 'string' && html`<del>${shownValue(before)}</del>`}
        ${before === undefined && defaultValue !== undefined && html`<span class="tag">default</span><del>${shownValue(defaultValue)}</del>`}
        ${typeof after === 'string' ? html`<ins>${shownValue(after)}</ins>` : html`<span class="tag">${after === null ? 'removed' : 'default'}</span>`}
        ${after === undefined && defaultValue !== undefined && html`<ins>${shownValue(defaultValue)}</ins>`}`
        }
      </li>`,
    )}
  </ul>`
}

/** The kind of a row of the config table, so that both have the same color. */
function changeKind(before: ConfigChange['before'], after: ConfigChange['after']): string {
  if (typeof after !== 'string') return after === null ? 'removed' : 'default'
  return typeof before === 'string' ? 'changed' : 'added'
}
