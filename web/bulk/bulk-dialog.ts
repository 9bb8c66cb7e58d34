/**
 * The dialog of a change of many deployments: what to change (forms.ts), a preview, the question, the progress, and every outcome. Closed while
 * the change is under way, it goes on; bulk-task.ts says then how it has ended.
 */
import { html } from 'htm/preact'
import type { ComponentChildren, VNode } from 'preact'
import { maxBulkNames } from '../../domain/changes/bulk-operations.ts'
import { useApp } from '../app-context.ts'
import { pluralize } from '../format.ts'
import { Dialog } from '../ui/dialogs/dialog.ts'
import { ErrorBox } from '../ui/error-box.ts'
import { ReasonField } from '../ui/text-field.ts'
import type { BulkRun } from './bulk-run.ts'
import { type BulkTask, namesWith, summaryOf } from './bulk-task.ts'
import { BusyChoice } from './busy-choice.ts'
import { useKeptFocus } from './kept-focus.ts'
import { LabelForm } from './label-form.ts'
import { openTask } from './open-task.ts'
import { describeChange, operationWords, withForm } from './operations.ts'
import { OutcomeGroups } from './outcome-groups.ts'
import { OverrideForm } from './override-form.ts'

export function BulkDialog(): VNode | null {
  const app = useApp()
  const task = app.bulk.value
  if (task === null) return null
  const title = `${operationWords[task.operation].phrase} ${pluralize(task.names.length, 'deployment')}`
  const close = () => {
    const isUnderWay = task.run.peek() !== null && !task.hasEnded.peek()
    if (!isUnderWay) {
      task.preview.peek()?.stop()
      app.bulk.value = null
    }
    app.overlay.value = null
  }
  return html`<${Dialog} variant="modal wide" label=${title} onClose=${close}>
    <div class="bulk-dialog">
    <h2>${title}</h2>
    ${task.change.value !== null && html`<${Entered} text=${describeChange(task.change.value)} />`}
    <${Step} task=${task} close=${close} />
    </div>
  <//>`
}

const Entered = ({ text }: { text: string }): VNode | null =>
  text === '' ? null : html`<p class="bulk-change">${text}</p>`

type StepProps = { task: BulkTask; close: () => void }

function Step({ task, close }: StepProps): VNode {
  const { run, preview, change, operation } = task
  if (run.value !== null) return html`<${Running} task=${task} run=${run.value} close=${close} />`
  if (preview.value !== null && change.value !== null)
    return html`<${Preview} task=${task} preview=${preview.value} close=${close} />`
  return operation === 'label'
    ? html`<${LabelForm} task=${task} close=${close} />`
    : html`<${OverrideForm} task=${task} close=${close} />`
}

const previewWords = { accepted: 'will change', unchanged: 'stay as they are', refused: 'refused' }

function Preview({ task, preview, close }: StepProps & { preview: BulkRun }): VNode {
  const { operation, accepted, reason } = task
  const { phase, lines } = preview
  useKeptFocus('preview')
  const { hint, confirm, danger } = operationWords[operation]
  const isChecked = phase.value === 'ended'
  const count = accepted.value.length
  const requests = Math.ceil(count / maxBulkNames)
  const mayStart = isChecked && count > 0
  const submit = (event: Event) => {
    event.preventDefault()
    if (mayStart) task.start()
  }
  const back = () => {
    preview.stop()
    task.change.value = null
  }
  const summary = !isChecked
    ? ''
    : count === 0
      ? 'Nothing would change.'
      : `Checked: ${pluralize(count, 'deployment')} will change.`
  return html`<form onSubmit=${submit}>
    ${hint !== '' && html`<p>${hint}</p>`}
    <${BusyChoice} task=${task} lines=${lines.value} />
    <p class="visually-hidden" role="status">${summary}</p>
    ${phase.value === 'running' && html`<${ProgressOf} run=${preview} verb="Checking" />`}
    ${isChecked && html`<${OutcomeGroups} lines=${lines.value} words=${previewWords} />`}
    ${isChecked && count === 0 && html`<p>Nothing would change.</p>`}
    ${mayStart && requests > 1 && html`<p class="hint">They are sent in ${requests} requests of at most ${maxBulkNames}, one after the other.</p>`}
    ${mayStart && operation !== 'label' && html`<${ReasonField} reason=${reason} />`}
    <${RunError} run=${preview} title="The preview did not arrive" onRetry=${() => void preview.start()} />
    <div class="buttons">
      ${withForm.has(operation) && html`<button type="button" onClick=${back}>Back</button>`}
      <button type="button" onClick=${close}>Cancel</button>
      <button type="submit" autofocus class=${danger ? 'primary danger' : 'primary'} aria-disabled=${!mayStart}>
        ${isChecked ? `${confirm} ${pluralize(count, 'deployment')}` : 'Checking…'}
      </button>
    </div>
  </form>`
}

function Running({ task, run, close }: StepProps & { run: BulkRun }): VNode {
  const app = useApp()
  const { operation, outcomes, hasEnded } = task
  const phase = run.phase.value
  useKeptFocus(phase)
  const left = run.names.length - run.lines.value.length
  const words = { accepted: operationWords[operation].done, unchanged: 'unchanged', refused: 'refused' }
  const refused = hasEnded.value ? namesWith('refused', outcomes.value) : []
  const tryAgain = () => openTask(app, operation, refused, task.change.peek() ?? undefined)
  return html`
    <p class="visually-hidden" role="status">${statusText(task, run)}</p>
    ${phase === 'running' && html`<${ProgressOf} run=${run} verb="Sending" />`}
    ${phase === 'stopped' && html`<p>Stopped. ${pluralize(left, 'deployment')} of ${run.names.length.toLocaleString()} have no outcome: they were not begun, or their answer did not arrive.</p>`}
    <${RunError} run=${run} title=${`${pluralize(left, 'deployment')} without an outcome`} />
    <${OutcomeGroups} lines=${outcomes.value} words=${words} />
    ${phase === 'running' && html`<p class="hint">It goes on when you close this.</p>`}
    <${Buttons}>
      ${phase === 'running' && html`<button type="button" class="danger" onClick=${run.stop}>Stop</button>`}
      ${/stopped|failed/.test(phase) && html`<${GiveUp} task=${task} />`}
      ${/stopped|failed/.test(phase) && html`<button type="button" class="primary" autofocus onClick=${task.start}>Go on</button>`}
      ${refused.length > 0 && html`<button type="button" onClick=${tryAgain}>Try the ${refused.length.toLocaleString()} refused again</button>`}
      ${/running|ended/.test(phase) && html`<button type="button" class="primary" autofocus onClick=${close}>Close</button>`}
    <//>
  `
}

const Buttons = ({ children }: { children: ComponentChildren }): VNode =>
  html`<div class="buttons">${children}</div>`

/** Leaves the rest as it is. */
function GiveUp({ task }: { task: BulkTask }): VNode {
  const { bulk, overlay, toasts } = useApp()
  const end = () => {
    toasts.showSuccess(`Ended: ${summaryOf(task.operation, task.outcomes.peek())}.`)
    bulk.value = null
    overlay.value = null
  }
  return html`<button type="button" onClick=${end}>End</button>`
}

/** Once for each phase: progress is not announced. */
function statusText({ operation, outcomes }: BulkTask, { phase, isReconnecting }: BulkRun): string {
  if (isReconnecting.value) return reconnectingText
  if (phase.value === 'running') return 'Sending.'
  return phase.value === 'ended' ? `Done: ${summaryOf(operation, outcomes.value)}.` : ''
}

const reconnectingText = 'The server does not answer. It is asked again, and nothing is done twice.'

function ProgressOf({ run, verb }: { run: BulkRun; verb: string }): VNode {
  const [done, total] = [run.lines.value.length, run.names.length]
  const text = `${verb}: ${done.toLocaleString()} of ${total.toLocaleString()}`
  return html`<div class="bulk-progress">
    <span>${text}</span>
    <progress max=${total} value=${done} aria-label=${verb}></progress>
    ${run.isReconnecting.value && html`<span class="hint">${reconnectingText}</span>`}
  </div>`
}

function RunError({
  run,
  title,
  onRetry,
}: {
  run: BulkRun
  title: string
  onRetry?: () => void
}): VNode | null {
  const error = run.error.value
  return error && html`<${ErrorBox} title=${title} error=${error} onRetry=${onRetry} />`
}
