/** A button that stays visible when it may not be pressed, with the reason for everyone: as tooltip and as description. */
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import { useId } from 'preact/hooks'

/** `refused`: null: it may be pressed; '': it may not, and its text says why. */
type Props = { text: string; refused: string | null; onClick: () => void }

export function GuardedButton({ text, refused, onClick }: Props): VNode {
  const id = useId()
  return html`<button
    type="button"
    aria-disabled=${refused !== null}
    aria-describedby=${refused ? id : undefined}
    title=${refused ?? ''}
    onClick=${() => refused === null && onClick()}
  >
    ${text}${refused && html`<span id=${id} hidden>${refused}</span>`}
  </button>`
}
