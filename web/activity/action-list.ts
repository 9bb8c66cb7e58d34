/** The actions of a deployment, newest first: actor, source, duration, outcome and config changes. */
import { useSignal } from '@preact/signals'
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import { useEffect, useId, useRef } from 'preact/hooks'
import { isActive, kindFromWireName } from '../../domain/actions.ts'
import { noOverrides, overridesFromWire } from '../../domain/overrides.ts'
import type { Action } from '../../domain/schemas.ts'
import { useApp } from '../app-context.ts'
import { auditPath } from '../audit/audit-filters.ts'
import { type ConfigChange, diffBothLevels } from '../config/config-diff.ts'
import { ConfigDiff } from '../config/config-diff-list.ts'
import type { DeploymentResource } from '../deployment/deployment-resource.ts'
import { StatusIcon } from '../deployment/status-badge.ts'
import {
  actionOutcomeLabel,
  actionTone,
  actionVerbs,
  cancelNote,
  durationMs,
} from '../deployment/status-labels.ts'
import { formatDuration } from '../format.ts'
import { LogViewer } from '../log-viewer/log-viewer-part.ts'
import { outputQuery } from '../routes.ts'
import { ElapsedTimer } from '../ui/elapsed-time.ts'
import { RelativeTime } from '../ui/relative-time.ts'
import { ActorDetails } from './actor.ts'

export function ActionList({ resource }: { resource: DeploymentResource }): VNode {
  const actions = resource.actions.value
  const hasOlder = resource.hasOlder.value
  // The last loaded action is hidden while older ones exist, because its config changes are unknown without
  // its predecessor.
  const shown = hasOlder ? actions?.slice(0, -1) : actions
  const loading = resource.isLoadingOlder.value
  const name = resource.info.value?.deployment.name
  return html`<section class="card actions" aria-label="Actions">
    <header class="card-header"><h2>Actions</h2>${name !== undefined && html`<a href=${auditPath({ deployment: name })}>Audit log</a>`}</header>
    ${actions === null && html`<p class="card-empty" role="status">Loading actions…</p>`}
    ${actions?.length === 0 && html`<p class="card-empty">No actions yet.</p>`}
    <ol>
      ${shown?.map((action, index) => html`<${ActionRow} key=${action.action_id} action=${action} previous=${actions?.[index + 1] ?? null} />`)}
    </ol>
    ${
      hasOlder &&
      html`<div class="load-more">
        <button type="button" aria-disabled=${loading} onClick=${() => void resource.loadOlder()}>
          ${loading ? 'Loading…' : 'Show older actions'}
        </button>
      </div>`
    }
  </section>`
}

function ActionRow({ action, previous }: { action: Action; previous: Action | null }): VNode {
  const { identity, router } = useApp()
  const active = isActive(action.state)
  const route = router.route.peek()
  const openedByLink = route.page === 'deployment' && route.output === action.action_id && !active
  const expanded = useSignal(openedByLink)
  const removalReason = action.output_removal_reason ?? null
  const refused = identity.refusal('read_output', { name: action.deployment })
  const canReadOutput = refused === null
  const outputShown = expanded.value && canReadOutput && removalReason === null
  const rowRef = useRef<HTMLLIElement>(null)
  useEffect(() => {
    if (openedByLink) rowRef.current?.scrollIntoView()
  }, [])
  const id = useId()
  const changes = configChanges(action, previous)
  const tookMs = durationMs(action)
  return html`<li class="action" ref=${rowRef}>
    <div class="action-line" data-tone=${actionTone(action)}>
      <${StatusIcon} tone=${actionTone(action)} />
      <span class="action-kind"><strong>${actionVerbs[kindFromWireName(action.action)].verb}</strong> ${actionOutcomeLabel(action)}</span>
      <span class="action-actor"><${ActorDetails} action=${action} /></span>
      <span class="action-time">
        ${active ? html`<${ElapsedTimer} since=${action.started_at ?? action.created_at} />` : tookMs !== null && formatDuration(tookMs)}
      </span>
      <span class="action-age"><${RelativeTime} time=${action.created_at} /></span>
      <span class="action-toggle">
        ${
          !active &&
          removalReason === null &&
          html`<button
            type="button"
            class="ghost-button small"
            aria-expanded=${outputShown}
            aria-disabled=${!canReadOutput}
            title=${refused ?? ''}
            aria-controls=${id}
            aria-label=${outputShown ? undefined : `Output of ${kindFromWireName(action.action)} ${action.action_id}`}
            onClick=${() => {
              if (!canReadOutput) return
              expanded.value = !outputShown
              router.replaceSearch(outputShown ? '' : outputQuery(action.action_id))
            }}
          >
            ${outputShown ? 'Hide output' : 'Output'}
          </button>`
        }
      </span>
    </div>
    ${cancelNote(action) !== null && html`<p class="action-note">${cancelNote(action)}</p>`}
    ${action.error !== null && html`<p class="action-note">${action.error}</p>`}
    ${action.reason !== null && html`<p class="action-note">“${action.reason}”</p>`}
    ${action.truncated && html`<p class="action-note">The output exceeded the size limit and was truncated.</p>`}
    ${removalReason !== null && html`<p class="action-note">${removalReason}</p>`}
    ${action.attempt > 1 && html`<p class="action-note">Attempt ${action.attempt}</p>`}
    ${openedByLink && refused !== null && html`<${OutputDenied} reason=${refused} />`}
    <${ConfigDiff} changes=${changes} />
    <div id=${id}>${outputShown && html`<${LogViewer} actionId=${action.action_id} deploymentName=${action.deployment} truncated=${action.truncated} />`}</div>
  </li>`
}

/** For a link to an output that this user may not read. */
function OutputDenied({ reason }: { reason: string }): VNode {
  const { signInOpen, identity } = useApp()
  return html`<p class="action-note">
    You may not read this output. ${reason}
    ${
      identity.usesDisplayName.value &&
      html` <button type="button" class="small" onClick=${() => (signInOpen.value = true)}>Sign in</button>`
    }
  </p>`
}

function configChanges(action: Action, previous: Action | null): ConfigChange[] {
  const kind = kindFromWireName(action.action)
  if (kind !== 'update' && kind !== 'create') return []
  if (previous === null && kind !== 'create') return []
  const before = previous === null ? noOverrides : overridesFromWire(previous)
  return diffBothLevels(before, overridesFromWire(action))
}
