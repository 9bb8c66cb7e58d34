/** The actions of a deployment, newest first: actor, source, duration, outcome and config changes. */
import { useSignal } from '@preact/signals'
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import { useEffect, useId, useRef } from 'preact/hooks'
import { durationMs } from '../../client/action-outcome.ts'
import { type ConfigChange, diffBothLevels } from '../../client/config-diff.ts'
import { hasEnded, kindFromWireName } from '../../domain/actions.ts'
import { noOverrides, overridesFromWire } from '../../domain/overrides.ts'
import type { Action } from '../../domain/schemas.ts'
import { useApp } from '../app-context.ts'
import { auditPath } from '../audit/audit-filters.ts'
import { ConfigDiff } from '../config/config-diff-list.ts'
import { disabledReason } from '../deployment/available-actions.ts'
import type { DeploymentResource } from '../deployment/deployment-resource.ts'
import { runAction } from '../deployment/run-action.ts'
import { StatusIcon } from '../deployment/status-badge.ts'
import { actionOutcomeLabel, actionTone, actionVerbs, cancelNote } from '../deployment/status-labels.ts'
import { formatDuration, pluralize } from '../format.ts'
import { LogViewer } from '../log-viewer/log-viewer-part.ts'
import { outputQuery } from '../routes.ts'
import { Menu } from '../ui/menu.ts'
import { TimeButton } from '../ui/relative-time.ts'
import { ActorDetails } from './actor.ts'

/**
 * Only actions that have ended: the panel of the last action shows the running one. An action of somebody else waits for a
 * press of its button, so that nothing moves.
 */
export function ActionList({ resource }: { resource: DeploymentResource }): VNode {
  const { ownChanges } = useApp()
  const newestShown = useSignal<number | null>(null)
  const actions = resource.actions.value
  const hasOlder = resource.hasOlder.value
  const ended = actions?.filter(({ state }) => hasEnded(state)) ?? []
  const newest = ended[0]?.action_id ?? 0
  const name = resource.info.value?.deployment.name
  if (actions !== null && (newestShown.value === null || (name !== undefined && ownChanges.has(name))))
    newestShown.value = newest
  const newer = ended.filter(({ action_id: id }) => id > (newestShown.value ?? 0)).length
  // The last loaded action is hidden while older ones exist, because its config changes are unknown without
  // its predecessor.
  const shown = ended.slice(newer, hasOlder ? -1 : undefined)
  const last = resource.info.value?.last_action?.action_id
  const loading = resource.isLoadingOlder.value
  const showNewer = () => {
    newestShown.value = newest
  }
  return html`<section class="card actions" aria-label="History">
    <header class="card-header">
      <h2>History</h2>
      ${newer > 0 && html`<button type="button" class="small" onClick=${showNewer}>Show ${pluralize(newer, 'newer action')}</button>`}
      ${name !== undefined && html`<a class="card-link" href=${auditPath({ deployment: name })}>Audit log</a>`}
    </header>
    ${actions === null && html`<p class="card-empty" role="status">Loading actions…</p>`}
    ${actions !== null && ended.length === 0 && html`<p class="card-empty">No action has ended yet.</p>`}
    <ol>
      ${shown.map((action, index) => html`<${ActionRow} key=${action.action_id} action=${action} isLast=${action.action_id === last} previous=${previousOf(ended, newer + index)} />`)}
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

/** One that another has replaced while it waited changed nothing. */
const previousOf = (ended: readonly Action[], index: number): Action | null =>
  ended.find(({ state }, at) => at > index && state !== 'superseded') ?? null

/** `isLast`: the panel above shows its output when the address names it. */
type RowProps = { action: Action; isLast: boolean; previous: Action | null }

function ActionRow({ action, isLast, previous }: RowProps): VNode {
  const { identity, router } = useApp()
  const route = router.route.peek()
  const openedByLink = route.page === 'deployment' && route.output === action.action_id
  const expanded = useSignal(openedByLink && !isLast)
  const removalReason = action.output_removal_reason ?? null
  const refused = identity.refusal('read_output', { name: action.deployment })
  const canReadOutput = refused === null
  const outputShown = expanded.value && canReadOutput && removalReason === null
  const rowRef = useRef<HTMLLIElement>(null)
  useEffect(() => {
    if (expanded.peek()) rowRef.current?.scrollIntoView()
  }, [])
  const id = useId()
  const changes = configChanges(action, previous)
  const tookMs = durationMs(action)
  return html`<li class="action" ref=${rowRef}>
    <div class="action-line" data-tone=${actionTone(action)}>
      <${StatusIcon} tone=${actionTone(action)} />
      <span class="action-kind"><strong>${actionVerbs[kindFromWireName(action.action)].verb}</strong> ${actionOutcomeLabel(action)}</span>
      <span class="action-time">${tookMs !== null && formatDuration(tookMs)}</span>
      <span class="action-age"><${TimeButton} time=${action.created_at} /></span>
      <span class="action-actor"><${ActorDetails} action=${action} /></span>
      <span class="action-toggle">
        ${
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
        <${RowMenu} action=${action} />
      </span>
    </div>
    ${cancelNote(action) !== null && html`<p class="action-note">${cancelNote(action)}</p>`}
    ${action.error !== null && !isExitCodeOnly(action.error) && html`<p class="action-note">${action.error}</p>`}
    ${action.reason !== null && html`<p class="action-note">“${action.reason}”</p>`}
    ${action.truncated && html`<p class="action-note">The output exceeded the size limit and was truncated.</p>`}
    ${removalReason !== null && html`<p class="action-note">${removalReason}</p>`}
    ${action.attempt > 1 && html`<p class="action-note">Attempt ${action.attempt}</p>`}
    ${openedByLink && refused !== null && html`<${OutputDenied} reason=${refused} />`}
    <${ConfigDiff} changes=${changes} />
    <div id=${id}>${outputShown && html`<${LogViewer} actionId=${action.action_id} deploymentName=${action.deployment} truncated=${action.truncated} />`}</div>
  </li>`
}

/** The line of the action has the exit code already. */
const isExitCodeOnly = (error: string): boolean => /^The \S+ script failed with exit code \d+\.$/.test(error)

/** Repeats the action. A cleanup leaves nothing to repeat; a failed one is repeated at the top of the page. */
function RowMenu({ action }: { action: Action }): VNode | null {
  const app = useApp()
  const name = action.deployment
  const info = app.store.rows.get(name)?.value
  const kind = kindFromWireName(action.action)
  if (info === undefined || kind === 'cleanup') return null
  const items = () => [kind === 'archive' || kind === 'restore' ? repeat(kind) : rollBack()]
  const repeat = (kind: 'archive' | 'restore') => ({
    text: kind === 'archive' ? 'Archive again…' : 'Restore again',
    disabledReason: disabledReason(kind, info, app.identity),
    onSelect: () => void runAction(app, kind, info),
  })
  const rollBack = () => {
    const isSame = diffBothLevels(overridesFromWire(info.deployment), overridesFromWire(action)).length === 0
    return {
      text: isSame ? 'Repeat this update…' : 'Roll back to this config…',
      disabledReason: disabledReason('update', info, app.identity),
      onSelect: () => {
        app.overlay.value = { type: 'rollback', name, actionId: action.action_id }
      },
    }
  }
  return html`<${Menu} label=${`More for ${kind} ${action.action_id}`} items=${items} />`
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
