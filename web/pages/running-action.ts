/** What runs now: since when, by whom, a way to stop it, and for admins its output. */
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import { kindOfWire } from '../../domain/action.ts'
import type { ActionSummary } from '../../domain/shapes.ts'
import { cancel } from '../acting.ts'
import { Shape, Since } from '../parts/status.ts'
import { actionWords, stateWords } from '../words.ts'
import { useWorld } from '../world.ts'
import { Output } from './output.ts'

export function RunningAction({ action, name }: { action: ActionSummary; name: string }): VNode {
  const world = useWorld()
  const asked = action.cancel_requested_at !== null
  const { doing } = actionWords[kindOfWire(action.action)]
  return html`<section class="running" aria-label="Running now">
    <div class="running-head" data-look="busy">
      <${Shape} look="busy" />
      <p>
        <strong>${action.state === 'queued' ? `${doing}: ${stateWords.queued}` : doing}</strong>
        <${Since} at=${action.started_at ?? action.created_at} />
        <span class="by">by ${action.actor}${asked ? ', being cancelled' : ''}</span>
      </p>
      <button type="button" disabled=${asked} onClick=${() => void cancel(world, action, name)}>
        ${asked ? 'Cancelling…' : 'Cancel'}
      </button>
    </div>
    ${world.session.isAdmin() && html`<${Output} actionId=${action.action_id} />`}
  </section>`
}
