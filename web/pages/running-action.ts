/**
 * What runs now: since when, against how long it usually takes, by whom and why, a way to stop it, and for admins its
 * output. When it has ended, an admin still sees how, and the output, until it is put away.
 */
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import { isActive, kindOfWire } from '../../domain/action.ts'
import type { LastAction } from '../../domain/shapes.ts'
import { cancel } from '../acting.ts'
import { Shape, Since, Usual } from '../parts/status.ts'
import { actionLook, actionWords, durationMs, outcome, stateWords, took } from '../words.ts'
import { useWorld } from '../world.ts'
import { Output } from './output.ts'

type Props = { action: LastAction; name: string; putAway: () => void }

export function RunningAction({ action, name, putAway }: Props): VNode {
  const { session } = useWorld()
  const active = isActive(action.state)
  const look = actionLook(action)
  const { doing, verb } = actionWords[kindOfWire(action.action)]
  const time = durationMs(action)
  return html`<section class="running" data-look=${look} aria-label=${active ? 'Running now' : 'Just ended'}>
    <div class="running-head">
      <${Shape} look=${look} />
      <div class="running-words">
        <strong>
          ${active ? (action.state === 'queued' ? `${doing}: ${stateWords.queued}` : doing) : `${verb} ${outcome(action)}`}
        </strong>
        ${active && html`<${Since} key="since" at=${action.started_at ?? action.created_at} />`}
        ${active && html`<${Usual} key="usual" action=${action} />`}
        ${!active && time !== null && html`<span key="took" class="by">in ${took(time)}</span>`}
        <span key="by" class="by">by ${action.actor}${active && action.cancel_requested_at !== null && ', being cancelled'}</span>
        ${action.reason !== null && html`<span key="reason" class="running-reason">“${action.reason}”</span>`}
      </div>
      ${
        active
          ? html`<${Cancel} action=${action} name=${name} />`
          : html`<button type="button" onClick=${putAway}>Close</button>`
      }
    </div>
    ${session.isAdmin() && html`<${Output} actionId=${action.action_id} name=${name} truncated=${action.truncated} />`}
  </section>`
}

function Cancel({ action, name }: { action: LastAction; name: string }): VNode {
  const world = useWorld()
  const asked = action.cancel_requested_at !== null
  return html`<button
    type="button"
    aria-disabled=${asked}
    onClick=${() => !asked && void cancel(world, action, name)}
  >
    ${asked ? 'Cancelling…' : 'Cancel'}
  </button>`
}
