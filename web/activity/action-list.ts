/** The actions of a deployment, newest first: who, from where, how long, how it ended, what it changed. */
import { useSignal } from '@preact/signals'
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import { useEffect, useId, useRef } from 'preact/hooks'
import { isActive, kindFromWireName } from '../../domain/actions.ts'
import type { Action } from '../../domain/schemas.ts'
import { useApp } from '../app-context.ts'
import { type ConfigChange, diffBothLevels, noOverrides, type Overrides } from '../config/config-diff.ts'
import { ConfigDiff } from '../config/config-diff-list.ts'
import type { DeploymentResource } from '../deployment/deployment-resource.ts'
import { ElapsedTimer, StatusIcon } from '../deployment/status-badge.ts'
import { actionOutcomeLabel, actionTone, actionVerbs, durationMs, formatDuration } from '../format.ts'
import { LogViewer } from '../log-viewer/log-viewer.ts'
import { outputQuery } from '../routes.ts'
import { RelativeTime } from '../ui/relative-time.ts'

export function ActionList({ following }: { following: DeploymentResource }): VNode {
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
        <button type="button" aria-disabled=${loading} onClick=${() => void following.loadOlder()}>
          ${loading ? 'Loading…' : 'Show older actions'}
        </button>
      </div>`
    }
  </section>`
}

function ActionRow({ action, before }: { action: Action; before: Action | null }): VNode {
  const { session, router } = useApp()
  const active = isActive(action.state)
  const route = router.route.peek()
  const openedByLink = route.page === 'deployment' && route.output === action.action_id && !active
  const open = useSignal(openedByLink)
  const shown = open.value && session.isAdmin()
  const place = useRef<HTMLLIElement>(null)
  useEffect(() => {
    if (shown) place.current?.scrollIntoView()
  }, [])
  const id = useId()
  const changes = configChanges(action, before)
  const duration = durationMs(action)
  return html`<li class="action" ref=${place}>
    <div class="action-line" data-look=${actionTone(action)}>
      <${StatusIcon} look=${actionTone(action)} />
      <span class="action-what"><strong>${actionVerbs[kindFromWireName(action.action)].verb}</strong> ${actionOutcomeLabel(action)}</span>
      <span class="action-who">${action.actor}<span class="source"> via ${action.source}</span></span>
      <span class="action-time">
        ${active ? html`<${ElapsedTimer} at=${action.started_at ?? action.created_at} />` : duration !== null && formatDuration(duration)}
      </span>
      <span class="action-when"><${RelativeTime} at=${action.created_at} /></span>
      <span class="action-open">
        ${
          session.isAdmin() &&
          !active &&
          html`<button
            type="button"
            class="quiet small"
            aria-expanded=${shown}
            aria-controls=${id}
            aria-label=${shown ? undefined : `Output of ${kindFromWireName(action.action)} ${action.action_id}`}
            onClick=${() => {
              open.value = !shown
              router.replaceSearch(shown ? '' : outputQuery(action.action_id))
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
    <${ConfigDiff} changes=${changes} />
    <div id=${id}>${shown && html`<${LogViewer} actionId=${action.action_id} name=${action.deployment} truncated=${action.truncated} />`}</div>
  </li>`
}

function configChanges(action: Action, before: Action | null): ConfigChange[] {
  const kind = kindFromWireName(action.action)
  if (kind !== 'update' && kind !== 'create') return []
  if (before === null && kind !== 'create') return []
  return diffBothLevels((before ?? noOverrides) as Overrides, action as Overrides)
}
