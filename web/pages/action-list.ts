/** The actions of a deployment, newest first: who, from where, how long, how it ended, what it changed. */
import { useSignal } from '@preact/signals'
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import { useId } from 'preact/hooks'
import { isActive, kindOfWire } from '../../domain/action.ts'
import type { Override } from '../../domain/overrides.ts'
import type { Action } from '../../domain/shapes.ts'
import { type Change, changesBetween } from '../config-rows.ts'
import type { Following } from '../following.ts'
import { Ago } from '../parts/ago.ts'
import { Shape, Since } from '../parts/status.ts'
import { actionWords, type Look, outcome, took } from '../words.ts'
import { useWorld } from '../world.ts'
import { Output } from './output.ts'

export function ActionList({ following }: { following: Following }): VNode {
  const actions = following.actions.value
  return html`<section class="card actions" aria-label="Actions">
    <header class="card-head"><h2>Actions</h2></header>
    ${actions === null && html`<p class="card-wait" role="status">Loading actions…</p>`}
    ${actions?.length === 0 && html`<p class="card-wait">Nothing has been done yet.</p>`}
    <ol>
      ${actions?.map((action, at) => html`<${ActionRow} key=${action.action_id} action=${action} before=${actions[at + 1] ?? null} />`)}
    </ol>
    ${
      following.hasOlder.value &&
      html`<div class="more"><button type="button" onClick=${() => void following.older()}>Show older actions</button></div>`
    }
  </section>`
}

function ActionRow({ action, before }: { action: Action; before: Action | null }): VNode {
  const { session } = useWorld()
  const open = useSignal(false)
  const id = useId()
  const changes = changesOf(action, before)
  const active = isActive(action.state)
  return html`<li class="action">
    <div class="action-line" data-look=${lookOf(action)}>
      <${Shape} look=${lookOf(action)} />
      <span class="action-what"><strong>${actionWords[kindOfWire(action.action)].verb}</strong> ${outcome(action)}</span>
      <span class="action-who">${action.actor}<span class="source"> via ${action.source}</span></span>
      <span class="action-time">
        ${active ? html`<${Since} at=${action.started_at ?? action.created_at} />` : durationOf(action)}
      </span>
      <span class="action-when"><${Ago} at=${action.created_at} /></span>
      <span class="action-open">
        ${
          session.isAdmin() &&
          !active &&
          html`<button
            type="button"
            class="quiet small"
            aria-expanded=${open.value}
            aria-controls=${id}
            onClick=${() => {
              open.value = !open.value
            }}
          >
            ${open.value ? 'Hide output' : 'Output'}
          </button>`
        }
      </span>
    </div>
    ${action.error !== null && html`<p class="action-words">${action.error}</p>`}
    ${action.reason !== null && html`<p class="action-words">“${action.reason}”</p>`}
    ${action.attempt > 1 && html`<p class="action-words">Attempt ${action.attempt}</p>`}
    ${
      changes.length > 0 &&
      html`<ul class="changes">
        ${changes.map((change) => html`<li key=${change.key}><${ChangeWords} change=${change} /></li>`)}
      </ul>`
    }
    <div id=${id}>${open.value && html`<${Output} actionId=${action.action_id} />`}</div>
  </li>`
}

function ChangeWords({ change: { key, before, after } }: { change: Change }): VNode {
  return html`<code>${key}</code>
    ${typeof before === 'string' && html`<del>${before || 'empty'}</del>`}
    ${typeof after === 'string' ? html`<ins>${after || 'empty'}</ins>` : html`<span class="kind">${after === null ? 'removed' : 'default'}</span>`}`
}

function changesOf(action: Action, before: Action | null): Change[] {
  const kind = kindOfWire(action.action)
  if (kind !== 'update' && kind !== 'create') return []
  if (before === null && kind !== 'create') return []
  return [
    ...changesBetween((before?.app_overrides ?? []) as Override[], action.app_overrides as Override[]),
    ...changesBetween(
      (before?.deployment_overrides ?? []) as Override[],
      action.deployment_overrides as Override[],
    ),
  ]
}

function lookOf({ state }: Action): Look {
  if (isActive(state)) return 'busy'
  if (state === 'succeeded') return 'good'
  return state === 'cancelled' ? 'away' : 'bad'
}

function durationOf({ started_at, finished_at }: Action): string {
  if (started_at === null || finished_at === null) return ''
  return took(Date.parse(finished_at) - Date.parse(started_at))
}
