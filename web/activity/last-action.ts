/**
 * The last action of a deployment: while it runs, elapsed time against the expected duration and a cancel button; then its
 * outcome. Its output can be shown below. Drawn by deployment-page.ts.
 */
import { html } from 'htm/preact'
import type { VNode } from 'preact'
import { useRef } from 'preact/hooks'
import { durationMs, stateLabel, stateLabels, statusOf } from '../../client/action-outcome.ts'
import { isActive, kindFromWireName } from '../../domain/actions.ts'
import type {
  LastAction as Action,
  Action as DetailedAction,
  FullInfo,
  WaitingAction,
} from '../../domain/schemas.ts'
import { isPending } from '../../domain/statuses.ts'
import { useApp } from '../app-context.ts'
import { targetOf } from '../deployment/available-actions.ts'
import { FailureBox } from '../deployment/failure/failure-box.ts'
import { failureRemedies } from '../deployment/failure/failure-remedies.ts'
import { cancelAction, cancelWaiting, stopWaiting } from '../deployment/run-action.ts'
import { ExpectedDuration, StatusIcon } from '../deployment/status-badge.ts'
import { actionOutcomeLabel, actionTone, actionVerbs, cancelNote } from '../deployment/status-labels.ts'
import { formatDuration } from '../format.ts'
import { LogViewer } from '../log-viewer/log-viewer-part.ts'
import { ElapsedTimer } from '../ui/elapsed-time.ts'
import { GuardedButton } from '../ui/guarded-button.ts'
import { TimeButton } from '../ui/relative-time.ts'
import { Actor } from './actor.ts'

/** An action that takes this many times its usual duration is said to have taken longer. */
const unusualFactor = 1.5

type Props = {
  action: Action
  info: FullInfo
  /** The same action with its explanation; null until it is loaded. */
  details: DetailedAction | null
  /** The last action that succeeded with another config; null: none is known. */
  lastGood: DetailedAction | null
  name: string
  /** Null: not known. */
  usualMs: number | null
  outputShown: boolean
  onToggleOutput: () => void
}

export function LastAction({
  action,
  info,
  details,
  lastGood,
  name,
  usualMs,
  outputShown,
  onToggleOutput,
}: Props): VNode {
  const app = useApp()
  const panelRef = useRef<HTMLElement>(null)
  const failure = details?.failure ?? null
  const active = isActive(action.state)
  const isWaiting = !active && isPending(statusOf(info))
  const tone = actionTone(action)
  const { inProgress, verb } = actionVerbs[kindFromWireName(action.action)]
  // The box below has the exit code too.
  const outcome = failure === null ? actionOutcomeLabel(action) : stateLabel(action.state)
  const tookMs = durationMs(action)
  const isUnusual = tookMs !== null && usualMs !== null && tookMs > usualMs * unusualFactor
  const notes = [
    cancelNote(action),
    // With a failure its box says more.
    failure === null && action.error,
    action.reason !== null && `“${action.reason}”`,
  ].filter((note) => typeof note === 'string')
  const target = targetOf(info)
  const outputRefused = app.identity.refusal('read_output', target)
  const canShowOutput = outputRefused === null
  const waitRefused = app.identity.refusal('stop_waiting', target)
  // The button to retry disappears when it is pressed. The focus then stays in this panel.
  const remedies =
    failure === null || details === null
      ? []
      : failureRemedies(app, info, details, { lastGood, onRetry: () => panelRef.current?.focus() })
  return html`<section class="last-action" data-tone=${tone} aria-label="Last action" tabindex="-1" ref=${panelRef}>
    <div class="last-action-header">
      <${StatusIcon} tone=${tone} />
      <div class="last-action-text">
        <strong>
          ${active ? (action.state === 'queued' ? `${inProgress}: ${stateLabels.queued}` : inProgress) : `${verb} ${outcome}`}
        </strong>
        ${active && html`<${ElapsedTimer} key="elapsed" since=${action.started_at ?? action.created_at} />`}
        ${active && html`<${ExpectedDuration} key="expected" action=${action} />`}
        ${!active && tookMs !== null && html`<span key="duration" class="last-action-note">took ${formatDuration(tookMs)}${isUnusual && ', longer than usual'}</span>`}
        <span key="actor" class="last-action-note">by <${Actor} action=${action} /></span>
        ${!active && html`<span key="age" class="last-action-note"><${TimeButton} time=${action.finished_at ?? action.created_at} /></span>`}
        ${notes.map((note) => html`<span key=${note} class="last-action-reason">${note}</span>`)}
      </div>
      <div class="buttons">
        ${isWaiting && html`<${GuardedButton} text="Stop waiting" refused=${waitRefused} onClick=${() => void stopWaiting(app, name)} />`}
        ${
          canShowOutput
            ? html`<button type="button" aria-expanded=${outputShown} onClick=${onToggleOutput}>${outputShown ? 'Hide output' : 'Show output'}</button>`
            : html`<${GuardedButton} text="Show output" refused=${outputRefused} onClick=${onToggleOutput} />`
        }
        ${active && html`<${CancelButton} action=${action} name=${name} refused=${app.identity.refusal('cancel', target)} />`}
      </div>
    </div>
    ${info.waiting_action && html`<${Waiting} key="waiting" waiting=${info.waiting_action} refused=${app.identity.refusal('cancel', target)} />`}
    ${failure !== null && html`<${FailureBox} failure=${failure} remedies=${remedies} linesShown=${!outputShown} />`}
    ${outputShown && html`<${LogViewer} key=${action.action_id} actionId=${action.action_id} deploymentName=${name} truncated=${action.truncated} isRunning=${active} />`}
  </section>`
}

/** The action that starts when this one and its health check have ended. */
function Waiting({ waiting, refused }: { waiting: WaitingAction; refused: string | null }): VNode {
  const app = useApp()
  return html`<div class="waiting-action">
    <span>
      <strong>Next: ${actionVerbs[kindFromWireName(waiting.action)].verb.toLowerCase()}</strong>${' '}
      <span class="last-action-note">by ${waiting.actor}, waiting since <${TimeButton} time=${waiting.created_at} /></span>
    </span>
    <${GuardedButton} text="Cancel the waiting action" refused=${refused} onClick=${() => void cancelWaiting(app, waiting.action_id)} />
  </div>`
}

type CancelProps = { action: Action; name: string; refused: string | null }

function CancelButton({ action, name, refused }: CancelProps): VNode {
  const app = useApp()
  const cancelRequested = action.cancel_requested_at !== null
  return html`<${GuardedButton}
    text=${cancelRequested ? 'Cancelling…' : 'Cancel'}
    refused=${cancelRequested ? '' : refused}
    onClick=${() => void cancelAction(app, action, name)}
  />`
}
