/** A dotted config key with its last part emphasized, because users look for that part. */
import { html } from 'htm/preact'
import type { VNode } from 'preact'

/** `prefixLength`: length of the prefix that the group header above already shows. */
export function ConfigKey({ name, prefixLength = 0 }: { name: string; prefixLength?: number }): VNode {
  const lastPartStart = name.lastIndexOf('.') + 1
  return html`<span class="config-key"><span class="config-key-prefix">${name.slice(prefixLength, lastPartStart)}</span>${name.slice(lastPartStart)}</span>`
}
