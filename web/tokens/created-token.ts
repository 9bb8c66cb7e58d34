/** A new access token, shown once, with a button that copies it. Used by new-token-dialog.ts. */
import type { Signal } from '@preact/signals'
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import { useRef } from 'preact/hooks'
import { copyText } from '../ui/copy-button.ts'

type Props = { token: string; label: string; isCopied: Signal<boolean> }

export function CreatedToken({ token, label, isCopied }: Props): VNode {
  const field = useRef<HTMLInputElement>(null)
  const copy = async () => {
    field.current?.select()
    isCopied.value = await copyText(token)
  }
  return html`<div class="created-token">
    <h2>${label}</h2>
    <p>Copy the token now: it is not shown again, and nobody can read it later.</p>
    <div class="token-text">
      <input
        ref=${field}
        readonly
        autofocus
        aria-label="The token"
        spellcheck=${false}
        value=${token}
        onFocus=${(event: { currentTarget: HTMLInputElement }) => event.currentTarget.select()}
        onCopy=${() => {
          isCopied.value = true
        }}
      />
      <button type="button" class="primary" onClick=${() => void copy()}>Copy</button>
    </div>
    <p class="hint" role="status">
      ${isCopied.value ? 'Copied. ' : ''}Programs send it as <code>Authorization: Bearer …</code>. For octo, set${' '}
      <code>OCTO_AUTHORIZATION_HEADER</code>.
    </p>
  </div>`
}
