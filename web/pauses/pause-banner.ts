/** Says on every page what is paused, by whom and why, and lets somebody with the right resume. Drawn below the top bar. */
import { useSignal } from '@preact/signals'
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import { toApiError } from '../../client/errors.ts'
import { mayForAllNames } from '../../domain/access/roles.ts'
import { type Pause, pausable } from '../../domain/pauses/pause.ts'
import { useApp } from '../app-context.ts'
import { formatClock } from '../format.ts'

export function PauseBanner(): VNode {
  const { pauses, identity } = useApp()
  return html`<div class="session-banner" role="status">
    ${identity.access.value === 'granted' && pauses.value.map((pause) => html`<${PauseLine} key=${pause.what} pause=${pause} />`)}
  </div>`
}

function PauseLine({ pause }: { pause: Pause }): VNode {
  const { identity } = useApp()
  const { what, since, until, by, reason } = pause
  const { paused, stops } = pausable[what]
  const permissions = identity.permissions.value
  return html`<p>
    <span class="pause">
      <strong>${paused}</strong> since ${formatClock(since)} by ${by}${until !== null && `, until ${formatClock(until)}`}: ${/[.!?…]$/.test(reason) ? reason : `${reason}.`} ${stops}
    </span>
    ${permissions !== null && mayForAllNames(permissions, 'pause') && html`<${ResumeButton} pause=${pause} />`}
  </p>`
}

/** Asks first: somebody else may be in the middle of what the pause is for. */
function ResumeButton({ pause: { what, by, reason } }: { pause: Pause }): VNode {
  const { client, toasts, confirmations } = useApp()
  const isSending = useSignal(false)
  const resume = async () => {
    const isConfirmed = await confirmations.confirm({
      title: `Resume ${what}?`,
      text: `${pausable[what].paused} by ${by}: ${reason}`,
      confirmLabel: 'Resume',
      cancelLabel: 'Keep the pause',
      danger: false,
    })
    if (!isConfirmed) return
    isSending.value = true
    try {
      // The websocket says that the pause has ended.
      await client.call('resumeWork', { params: { what } })
    } catch (caught) {
      toasts.showError(toApiError(caught))
    } finally {
      isSending.value = false
    }
  }
  return html`<span class="buttons">
    <button type="button" class="small" disabled=${isSending.value} aria-label=${`Resume ${what}`} onClick=${resume}>Resume</button>
  </span>`
}
