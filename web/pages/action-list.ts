/** The actions of a deployment, newest first: who, from where, how long, how it ended, what it changed. */
import { useSignal } from '@preact/signals'
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import { useEffect, useId, useRef } from 'preact/hooks'
import { isActive, kindOfWire } from '../../domain/action.ts'
import type { Action } from '../../domain/shapes.ts'
import { type Change, changesOfBoth, noOverrides, type Overrides } from '../config-rows.ts'
import type { Following } from '../following.ts'
import { Ago } from '../parts/ago.ts'
import { Changes } from '../parts/changes.ts'
import { Shape, Since } from '../parts/status.ts'
import { outputSearch } from '../routes.ts'
import { actionLook, actionWords, durationMs, outcome, took } from '../words.ts'
import { useWorld } from '../world.ts'
import { Output } from './output.ts'

export function ActionList({ following }: { following: Following }): VNode {
  const actions = following.actions.value
  const hasOlder = following.hasOlder.value
  // The last one is not shown while what came before it, and so what it changed, is unknown.
  const shown = hasOlder ? actions?.slice(0, -1) : actions
  const loading = following.loadingOlder.value
  return html`<section class="card actions" aria-label="Actions">
    <header class="card-head"><h2>Actions</h2></header>
    ${actions === null && html`<p class="card-wait" role="status">Loading actions…</p>`}
    ${actions?.length === 0 && html`<p class="card-wait">Nothing has been done yet.</p>`}
    <ol>
      ${shown?.map((action, at) => html`<${ActionRow} key=${action.action_id} action=${action} before=${actions?.[at + 1] ?? null} />`)}
    </ol>
    ${
      hasOlder &&
      html`<div class="more">
        <button type="button" aria-disabled=${loading} onClick=${() => void following.older()}>
          ${loading ? 'Loading…' : 'Show older actions'}
        </button>
      </div>`
    }
  </section>`
}

function ActionRow({ action, before }: { action: Action; before: Action | null }): VNode {
  const { session, router } = useWorld()
  const active = isActive(action.state)
  const route = router.route.peek()
  const asked = route.page === 'deployment' && route.output === action.action_id && !active
  const open = useSignal(asked)
  const shown = open.value && session.isAdmin()
  const place = useRef<HTMLLIElement>(null)
  useEffect(() => {
    if (shown) place.current?.scrollIntoView()
  }, [])
  const id = useId()
  const changes = changesOf(action, before)
  const time = durationMs(action)
  return html`<li class="action" ref=${place}>
    <div class="action-line" data-look=${actionLook(action)}>
      <${Shape} look=${actionLook(action)} />
      <span class="action-what"><strong>${actionWords[kindOfWire(action.action)].verb}</strong> ${outcome(action)}</span>
      <span class="action-who">${action.actor}<span class="source"> via ${action.source}</span></span>
      <span class="action-time">
        ${active ? html`<${Since} at=${action.started_at ?? action.created_at} />` : time !== null && took(time)}
      </span>
      <span class="action-when"><${Ago} at=${action.created_at} /></span>
      <span class="action-open">
        ${
          session.isAdmin() &&
          !active &&
          html`<button
            type="button"
            class="quiet small"
            aria-expanded=${shown}
            aria-controls=${id}
            aria-label=${shown ? undefined : `Output of ${kindOfWire(action.action)} ${action.action_id}`}
            onClick=${() => {
              open.value = !shown
              router.note(shown ? '' : outputSearch(action.action_id))
            }}
          >
            ${shown ? 'Hide output' : 'Output'}
          </button>`
        }
      </span>
    </div>
    ${action.cancelled_by !== null && html`<p class="action-words">Cancelled by ${action.cancelled_by}</p>`}
    ${action.error !== null && html`<p class="action-words">${action.error}</p>`}
    ${action.reason !== null && html`<p class="action-words">“${action.reason}”</p>`}
    ${action.truncated && html`<p class="action-words">The output went over the limit and was cut.</p>`}
    ${action.attempt > 1 && html`<p class="action-words">Attempt ${action.attempt}</p>`}
    <${Changes} changes=${changes} />
    <div id=${id}>${shown && html`<${Output} actionId=${action.action_id} name=${action.deployment} truncated=${action.truncated} />`}</div>
  </li>`
}

function changesOf(action: Action, before: Action | null): Change[] {
  const kind = kindOfWire(action.action)
  if (kind !== 'update' && kind !== 'create') return []
  if (before === null && kind !== 'create') return []
  return changesOfBoth((before ?? noOverrides) as Overrides, action as Overrides)
}
