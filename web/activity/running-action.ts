/**
 * What runs now: since when, against how long it usually takes, by whom and why, a way to stop it, and for admins its
 * output. When it has ended, an admin still sees how, and the output, until it is put away.
 */
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import { isActive, kindFromWireName } from '../../domain/actions.ts'
import type { LastAction } from '../../domain/schemas.ts'
import { useApp } from '../app-context.ts'
import { cancelAction } from '../deployment/run-action.ts'
import { ElapsedTimer, ExpectedDuration, StatusIcon } from '../deployment/status-badge.ts'
import {
  actionOutcomeLabel,
  actionTone,
  actionVerbs,
  durationMs,
  formatDuration,
  stateLabels,
} from '../format.ts'
import { LogViewer } from '../log-viewer/log-viewer.ts'

type Props = { action: LastAction; name: string; putAway: () => void }

export function RunningAction({ action, name, putAway }: Props): VNode {
  const { session } = useApp()
  const active = isActive(action.state)
  const look = actionTone(action)
  const { doing, verb } = actionVerbs[kindFromWireName(action.action)]
  const duration = durationMs(action)
  return html`<section class="running" data-look=${look} aria-label=${active ? 'Running now' : 'Just ended'}>
    <div class="running-head">
      <${StatusIcon} look=${look} />
      <div class="running-words">
        <strong>
          ${active ? (action.state === 'queued' ? `${doing}: ${stateLabels.queued}` : doing) : `${verb} ${actionOutcomeLabel(action)}`}
        </strong>
        ${active && html`<${ElapsedTimer} key="since" at=${action.started_at ?? action.created_at} />`}
        ${active && html`<${ExpectedDuration} key="usual" action=${action} />`}
        ${!active && duration !== null && html`<span key="took" class="by">in ${formatDuration(duration)}</span>`}
        <span key="by" class="by">by ${action.actor}${active && action.cancel_requested_at !== null && ', being cancelled'}</span>
        ${action.reason !== null && html`<span key="reason" class="running-reason">“${action.reason}”</span>`}
      </div>
      ${
        active
          ? html`<${CancelButton} action=${action} name=${name} />`
          : html`<button type="button" onClick=${putAway}>Close</button>`
      }
    </div>
    ${session.isAdmin() && html`<${LogViewer} actionId=${action.action_id} name=${name} truncated=${action.truncated} />`}
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
