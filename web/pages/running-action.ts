/**
 * What runs now: since when, against how long it usually takes, by whom and why, a way to stop it, and for admins its
 * output. When it has ended, an admin still sees how, and the output, until it is put away.
 */
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import { isActive, kindOfWire } from '../../domain/action.ts'
import type { ActionSummary } from '../../domain/shapes.ts'
import { cancel } from '../acting.ts'
import { Shape, Since } from '../parts/status.ts'
import { durationMs } from '../usual.ts'
import { actionLook, actionWords, outcome, stateWords, took } from '../words.ts'
import { useWorld } from '../world.ts'
import { Output } from './output.ts'

type Props = { action: ActionSummary; name: string; usual: number | null; putAway: () => void }

export function RunningAction({ action, name, usual, putAway }: Props): VNode {
  const { session } = useWorld()
  const active = isActive(action.state)
  const look = actionLook(action)
  const { doing, verb } = actionWords[kindOfWire(action.action)]
  const time = durationMs(action)
  return html`<section class="running" data-look=${look} aria-label=${active ? 'Running now' : 'Just ended'}>
    <div class="running-head">
      <${Shape} look=${look} />
      <p>
        <strong>
          ${active ? (action.state === 'queued' ? `${doing}: ${stateWords.queued}` : doing) : `${verb} ${outcome(action)}`}
        </strong>
        ${active && html`<${Since} key="since" at=${action.started_at ?? action.created_at} />`}
        ${active && usual !== null && html`<span key="usual" class="by">usually ${took(usual)}</span>`}
        ${!active && time !== null && html`<span key="took" class="by">in ${took(time)}</span>`}
        <span key="by" class="by">by ${action.actor}${active && action.cancel_requested_at !== null && ', being cancelled'}</span>
      </p>
      ${
        active
          ? html`<${Cancel} action=${action} name=${name} />`
          : html`<button type="button" onClick=${putAway}>Close</button>`
      }
    </div>
    ${action.reason !== null && html`<p class="running-reason">“${action.reason}”</p>`}
    ${active && action.state === 'running' && usual !== null && html`<${Progress} since=${action.started_at ?? action.created_at} usual=${usual} />`}
    ${session.isAdmin() && html`<${Output} actionId=${action.action_id} name=${name} truncated=${action.truncated} />`}
  </section>`
}

function Cancel({ action, name }: { action: ActionSummary; name: string }): VNode {
  const world = useWorld()
  const asked = action.cancel_requested_at !== null
  return html`<button
    type="button"
    aria-disabled=${asked}
    title=${asked ? 'It has been told to stop.' : ''}
    onClick=${() => !asked && void cancel(world, action, name)}
  >
    ${asked ? 'Cancelling…' : 'Cancel'}
  </button>`
}

/** The words beside it say the same; what takes longer than usual just stays full. */
function Progress({ since, usual }: { since: string; usual: number }): VNode {
  const { clock } = useWorld()
  const part = Math.min(1, Math.max(0, clock.second.value - Date.parse(since)) / usual)
  return html`<div class="progress" aria-hidden="true"><div style=${{ width: `${part * 100}%` }}></div></div>`
}
