/**
 * The state of the form that creates or edits a deployment: input, validation, conflicts with other users,
 * submit.
 */

import { batch, computed, effect, type ReadonlySignal, type Signal, signal } from '@preact/signals'
import { createIdempotencyKey } from '../../client/call-endpoint.ts'
import { type ConfigChange, diffBothLevels } from '../../client/config-diff.ts'
import { type ApiError, isClientError, toApiError } from '../../client/errors.ts'
import { headers } from '../../domain/endpoints.ts'
import {
  type ByLevel,
  noOverrides,
  type Override,
  overridesFromWire,
  overridesToWire,
} from '../../domain/overrides.ts'
import type { FullInfo } from '../../domain/schemas.ts'
import type { AppContext } from '../app-context.ts'
import { createDefaultsResource, type DefaultsResource } from '../config/config-defaults.ts'
import { rebaseOverrides } from '../config/config-edits.ts'
import { disabledReason } from '../deployment/available-actions.ts'
import { createLabelInput, type LabelInput } from '../deployment/dialogs/label-input.ts'
import { createNewName, type NewName } from '../deployment/dialogs/new-name.ts'
import {
  acceptedText,
  isBusy,
  type WhenBusyAnswer,
  whenBusyHeader,
} from '../deployment/dialogs/when-busy-choice.ts'
import { followAction } from '../deployment/follow-action.ts'
import { refreshIfOffline } from '../deployment/run-action.ts'
import { deploymentPath } from '../routes.ts'
import { addDraft, type ConfigLevelState, createConfigLevelState } from './config-level-state.ts'
import type { FormDraft } from './form-draft.ts'

export type FormState = {
  isNew: boolean
  name: Signal<string>
  /** The name of a new deployment. */
  newName: NewName
  nameError: ReadonlySignal<string | null>
  /** The title and the labels of a new deployment. */
  labels: LabelInput
  application: ConfigLevelState
  deployment: ConfigLevelState
  /** The optional reason, shown in the action list. */
  reason: Signal<string>
  /** What happens while another action runs; null: nothing is asked. */
  whenBusy: Signal<WhenBusyAnswer>
  defaults: DefaultsResource
  isDirty: ReadonlySignal<boolean>
  /** Why the form cannot be submitted; null when it can. */
  blockedReason: ReadonlySignal<string | null>
  /** Whether a submit was blocked: fields that nobody has entered show their error too. */
  wasBlocked: ReadonlySignal<boolean>
  isSubmitting: ReadonlySignal<boolean>
  error: ReadonlySignal<ApiError | null>
  /** Changes that someone else saved after the form was opened. */
  remoteChanges: ReadonlySignal<readonly ConfigChange[]>
  /** Applies the local edits on top of the remote changes. */
  applyRemoteChanges(): void
  submit(): Promise<void>
  /** The input, to open the form with it again; null when nothing was entered. */
  toDraft(): FormDraft | null
  close(): void
}

/**
 * `start`: null for a new deployment. `draft`: input that was kept while the browser was elsewhere. `offeredName`: that the page has
 * entered, so that it is no input.
 */
export function createFormState(
  app: AppContext,
  start: FullInfo | null,
  draft: FormDraft | null = null,
  offeredName = '',
): FormState {
  const { store, sync, client, overlay, hasUnsavedChanges, toasts, router } = app
  const isNew = start === null
  const saved = signal(draft?.saved ?? (isNew ? noOverrides : overridesOf(start)))
  const newName = createNewName(app, start?.deployment.name ?? draft?.name ?? offeredName)
  const { name } = newName
  const labels = createLabelInput(draft?.title ?? '', draft?.labels ?? [])
  const reason = signal(draft?.reason ?? '')
  const deploymentOverrides = signal(draft?.overrides.deployment ?? saved.peek().deployment)
  const defaults = createDefaultsResource(client, deploymentOverrides)
  const application = createConfigLevelState(
    {
      title: 'Application config',
      help: 'What your application reads, such as its version. A pale value is a default; one that you change becomes an override and stays when the default changes.',
    },
    computed(() => saved.value.application),
    defaults.application,
    signal(draft?.overrides.application ?? saved.peek().application),
  )
  const deployment = createConfigLevelState(
    {
      title: 'Deployment config',
      help: 'How the deployment is set up around the application, such as its region. The defaults of the application config may depend on it.',
    },
    computed(() => saved.value.deployment),
    defaults.deployment,
    deploymentOverrides,
  )
  if (draft !== null) {
    application.draft.value = draft.newKeys.application
    deployment.draft.value = draft.newKeys.deployment
  }
  let closed = false
  const levels = [application, deployment]
  const isSubmitting = signal(false)
  const wasBlocked = signal(false)
  const whenBusy = signal<WhenBusyAnswer>(null)
  /** What the last request has asked for. The question may appear while its response is lost. */
  let sentWhenBusy: WhenBusyAnswer = null
  const error = signal<ApiError | null>(null)
  /**
   * One idempotency key per content: a retry after a lost response is executed once, a corrected form is a
   * new request.
   */
  let idempotencyKey = { body: '', value: '' }

  /** The current row with this name. */
  const currentDeployment = computed(() => {
    void store.version.value
    return store.rows.get(name.value)?.value
  })
  const edited = computed(() => levels.some(hasEdits))
  const isDirty = computed(
    () =>
      edited.value || reason.value !== '' || (isNew && (name.value !== offeredName || !labels.isEmpty.value)),
  )
  const nameError = computed(() => (isNew ? newName.error.value : null))
  const remoteChanges = computed(() => {
    if (isNew || currentDeployment.value === undefined || isSubmitting.value) return []
    return diffBothLevels(saved.value, overridesOf(currentDeployment.value))
  })
  const blockedReason = computed(() => {
    if (isSubmitting.value) return 'Sending…'
    if (nameError.value !== null) return nameError.value
    if (labels.error.value !== null) return labels.error.value
    for (const level of levels) {
      const validationError = level.validationError.value ?? level.draftError.value
      if (validationError !== null) return validationError
    }
    if (isNew) return null
    if (currentDeployment.value === undefined) return `${name.value} was deleted.`
    const disabled = disabledReason('update', currentDeployment.value, app.identity)
    if (disabled !== null) return disabled
    if (remoteChanges.value.length > 0) return 'Review the changes of the other user first.'
    return edited.value ? null : 'No changes.'
  })
  const applyRemoteChanges = () =>
    batch(() => {
      if (currentDeployment.value === undefined) return
      const [base, remote] = [saved.value, overridesOf(currentDeployment.value)]
      application.overrides.value = rebaseOverrides(
        base.application,
        application.overrides.value,
        remote.application,
      )
      deployment.overrides.value = rebaseOverrides(
        base.deployment,
        deployment.overrides.value,
        remote.deployment,
      )
      saved.value = remote
    })

  const readOverrides = () => ({
    application: [...application.overrides.peek()],
    deployment: [...deployment.overrides.peek()],
  })

  const onAccepted = () => {
    error.value = null
    toasts.showSuccess(
      sentWhenBusy === null
        ? `${isNew ? 'Creating' : 'Updating'} ${name.peek()}.`
        : acceptedText(`The update of ${name.peek()}`, sentWhenBusy),
      name.peek(),
    )
    refreshIfOffline(app)
    // The user has closed the form while the request was running.
    if (closed) return
    hasUnsavedChanges.value = false
    overlay.value = null
    if (isNew) router.navigate(deploymentPath(name.peek()))
  }

  // The response was lost, but the current row already has the submitted config: the request succeeded.
  const stopWatching = effect(() => {
    if (isSubmitting.value || error.value === null || isClientError(error.value) || !currentDeployment.value)
      return
    if (diffBothLevels(overridesOf(currentDeployment.value), readOverrides()).length === 0) onAccepted()
  })

  // Asked from the first moment on in which another action runs, and never taken away while the form is open.
  const stopAsking = effect(() => {
    const current = currentDeployment.value
    if (!isNew && current !== undefined && isBusy(current) && !isSubmitting.value) whenBusy.value ??= 'wait'
  })

  const submit = async () => {
    levels.forEach(addDraft)
    if (blockedReason.peek() !== null) {
      wasBlocked.value = true
      return
    }
    const body = overridesToWire(readOverrides())
    const labelled = labels.isEmpty.peek() ? body : { ...body, ...labels.read() }
    // The latest revision that this page knows; the server rejects the update if another one was saved since.
    const revision = `"${currentDeployment.peek()?.revision}"`
    sentWhenBusy = whenBusy.peek()
    const text = JSON.stringify([name.peek(), labelled, reason.peek(), revision, sentWhenBusy])
    if (idempotencyKey.body !== text) idempotencyKey = { body: text, value: createIdempotencyKey() }
    const options = { key: idempotencyKey.value, reason: reason.peek() }
    isSubmitting.value = true
    error.value = null
    app.ownChanges.add(name.peek())
    try {
      const params = { name: name.peek() }
      const response = isNew
        ? await client.fetch('createDeployment', { ...options, body: { name: name.peek(), ...labelled } })
        : await client.fetch('updateDeployment', {
            ...options,
            body,
            params,
            headers: { [headers.ifMatch]: revision, ...whenBusyHeader(sentWhenBusy) },
          })
      onAccepted()
      followAction(app, name.peek(), response)
    } catch (caught) {
      error.value = toApiError(caught)
      if (error.value.code === 'busy') whenBusy.value ??= 'wait'
      if (error.value.code === 'precondition_failed') await sync.refresh()
    }
    isSubmitting.value = false
    if (remoteChanges.value.length > 0) error.value = null
  }

  return {
    isNew,
    name,
    newName,
    nameError,
    labels,
    application,
    deployment,
    reason,
    whenBusy,
    defaults,
    isDirty,
    blockedReason,
    wasBlocked,
    isSubmitting,
    error,
    remoteChanges,
    applyRemoteChanges,
    submit,
    toDraft: () =>
      isDirty.peek()
        ? {
            isNew,
            name: name.peek(),
            reason: reason.peek(),
            title: labels.title.peek(),
            labels: labels.rows.peek(),
            saved: saved.peek(),
            overrides: readOverrides(),
            newKeys: { application: application.draft.peek(), deployment: deployment.draft.peek() },
          }
        : null,
    close: () => {
      closed = true
      stopWatching()
      stopAsking()
      defaults.close()
    },
  }
}

const overridesOf = ({ deployment }: FullInfo): ByLevel<readonly Override[]> => overridesFromWire(deployment)

function hasEdits({ modifiedKeys, draft }: ConfigLevelState): boolean {
  return modifiedKeys.value.size > 0 || draft.value.key + draft.value.value !== ''
}
