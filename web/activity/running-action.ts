/**
 * The active action: elapsed time against the expected duration, actor, reason, a cancel button, and for
 * admins its output. After its end, admins see the outcome and the output until they close it.
 */
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import { isActive, kindFromWireName } from '../../domain/actions.ts'
import type { LastAction } from '../../domain/schemas.ts'
import { useApp } from '../app-context.ts'
import { cancelAction } from '../deployment/run-action.ts'
import { ExpectedDuration, StatusIcon } from '../deployment/status-badge.ts'
import {
  actionOutcomeLabel,
  actionTone,
  actionVerbs,
  durationMs,
  stateLabels,
} from '../deployment/status-labels.ts'
import { formatDuration } from '../format.ts'
import { LogViewer } from '../log-viewer/log-viewer.ts'
import { ElapsedTimer } from '../ui/elapsed-time.ts'

type Props = { action: LastAction; name: string; onDismiss: () => void }

export function RunningAction({ action, name, onDismiss }: Props): VNode {
  const { session } = useApp()
  const active = isActive(action.state)
  const tone = actionTone(action)
  const { inProgress, verb } = actionVerbs[kindFromWireName(action.action)]
  const tookMs = durationMs(action)
  return html`<section class="running-action" data-tone=${tone} aria-label=${active ? 'Running now' : 'Just ended'}>
    <div class="running-action-header">
      <${StatusIcon} tone=${tone} />
      <div class="running-action-text">
        <strong>
          ${active ? (action.state === 'queued' ? `${inProgress}: ${stateLabels.queued}` : inProgress) : `${verb} ${actionOutcomeLabel(action)}`}
        </strong>
        ${active && html`<${ElapsedTimer} key="elapsed" since=${action.started_at ?? action.created_at} />`}
        ${active && html`<${ExpectedDuration} key="expected" action=${action} />`}
        ${!active && tookMs !== null && html`<span key="duration" class="running-action-note">in ${formatDuration(tookMs)}</span>`}
        <span key="actor" class="running-action-note">by ${action.actor}${active && action.cancel_requested_at !== null && ', being cancelled'}</span>
        ${action.reason !== null && html`<span key="reason" class="running-action-reason">“${action.reason}”</span>`}
      </div>
      ${
        active
          ? html`<${CancelButton} action=${action} name=${name} />`
          : html`<button type="button" onClick=${onDismiss}>Close</button>`
      }
    </div>
    ${session.isAdmin() && html`<${LogViewer} actionId=${action.action_id} deploymentName=${name} truncated=${action.truncated} />`}
  </section>`
}

function CancelButton({ action, name }: { action: LastAction; name: string }): VNode {
  const app = useApp()
  const cancelRequested = action.cancel_requested_at !== null
  return html`<button
    type="button"
    aria-disabled=${cancelRequested}
    onClick=${() => !cancelRequested && void cancelAction(app, action, name)}
  >
    ${cancelRequested ? 'Cancelling…' : 'Cancel'}
  </button>`
}
