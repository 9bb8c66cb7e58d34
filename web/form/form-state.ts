/** The state of the form for a new or an existing deployment: what was typed, what is wrong, sending it once. */
import { batch, computed, effect, type ReadonlySignal, type Signal, signal } from '@preact/signals'
import { deploymentNameError } from '../../domain/deployment-name.ts'
import { headers } from '../../domain/endpoints.ts'
import type { FullInfo } from '../../domain/schemas.ts'
import { createIdempotencyKey } from '../api/client.ts'
import { type ApiError, isClientError, toApiError } from '../api/errors.ts'
import type { AppContext } from '../app-context.ts'
import { createDefaultsResource, type DefaultsResource } from '../config/config-defaults.ts'
import {
  type ConfigChange,
  diffBothLevels,
  noOverrides,
  type Overrides,
  rebaseOverrides,
} from '../config/config-diff.ts'
import { disabledReason } from '../deployment/available-actions.ts'
import { refreshIfOffline } from '../deployment/run-action.ts'
import { deploymentPath } from '../routes.ts'
import { addDraft, type ConfigLevelState, createConfigLevelState } from './config-level-state.ts'

export type FormState = {
  isNew: boolean
  name: Signal<string>
  nameProblem: ReadonlySignal<string | null>
  application: ConfigLevelState
  deployment: ConfigLevelState
  /** Why it is done, for those who read the history later; may stay empty. */
  reason: Signal<string>
  defaults: DefaultsResource
  dirty: ReadonlySignal<boolean>
  /** What keeps it from being sent, in words. */
  blockedReason: ReadonlySignal<string | null>
  sending: ReadonlySignal<boolean>
  problem: ReadonlySignal<ApiError | null>
  /** What somebody else has changed since the form opened. */
  remoteChanges: ReadonlySignal<readonly ConfigChange[]>
  /** Puts what was edited here on top of it. */
  applyRemoteChanges(): void
  submit(): Promise<void>
  close(): void
}

/** `start`: null for a new deployment. */
export function createFormState(app: AppContext, start: FullInfo | null): FormState {
  const { store, sync, client, overlay, hasUnsavedChanges, toasts, router } = app
  const isNew = start === null
  const saved = signal(isNew ? noOverrides : overridesOf(start))
  const name = signal(start?.deployment.name ?? '')
  const reason = signal('')
  const deploymentOverrides = signal(saved.peek().deployment_overrides)
  const defaults = createDefaultsResource(client, deploymentOverrides)
  const application = createConfigLevelState(
    'Application config',
    computed(() => saved.value.app_overrides),
    defaults.application,
  )
  const deployment = createConfigLevelState(
    'Deployment config',
    computed(() => saved.value.deployment_overrides),
    defaults.deployment,
    deploymentOverrides,
  )
  let closed = false
  const levels = [application, deployment]
  const sending = signal(false)
  const problem = signal<ApiError | null>(null)
  /** The key goes with what is sent: a repetition after a lost answer acts once, a corrected form anew. */
  let idempotencyKey = { body: '', value: '' }

  /** The row of this name, as it stands now. */
  const currentDeployment = computed(() => {
    void store.version.value
    return store.rows.get(name.value)?.value
  })
  const edited = computed(() => levels.some(isDirty))
  const dirty = computed(() => edited.value || reason.value !== '' || (isNew && name.value !== ''))
  const nameError = computed(() => {
    if (!isNew) return null
    const taken = currentDeployment.value && `There is a deployment ${name.value} already.`
    return deploymentNameError(name.value) ?? taken ?? null
  })
  const remoteChanges = computed(() => {
    if (isNew || currentDeployment.value === undefined || sending.value) return []
    return diffBothLevels(saved.value, overridesOf(currentDeployment.value))
  })
  const blockedReason = computed(() => {
    if (sending.value) return 'It is being sent.'
    if (nameError.value !== null) return nameError.value
    for (const one of levels) {
      const words = one.problem.value ?? one.draftProblem.value
      if (words !== null) return words
    }
    if (isNew) return null
    if (currentDeployment.value === undefined) return `${name.value} is gone.`
    const disabled = disabledReason('update', currentDeployment.value, true)
    if (disabled !== null) return disabled
    if (remoteChanges.value.length > 0) return 'Look at what has changed meanwhile.'
    return edited.value ? null : 'Nothing has been changed.'
  })
  const applyRemoteChanges = () =>
    batch(() => {
      if (currentDeployment.value === undefined) return
      const [base, now] = [saved.value, overridesOf(currentDeployment.value)]
      application.overrides.value = rebaseOverrides(
        base.app_overrides,
        application.overrides.value,
        now.app_overrides,
      )
      deployment.overrides.value = rebaseOverrides(
        base.deployment_overrides,
        deployment.overrides.value,
        now.deployment_overrides,
      )
      saved.value = now
    })

  const readOverrides = () => ({
    app_overrides: [...application.overrides.peek()],
    deployment_overrides: [...deployment.overrides.peek()],
  })

  const onAccepted = () => {
    problem.value = null
    toasts.showSuccess(`${isNew ? 'Creating' : 'Updating'} ${name.peek()}.`)
    refreshIfOffline(app)
    // Whoever has given up waiting for it is somewhere else by now.
    if (closed) return
    hasUnsavedChanges.value = false
    overlay.value = null
    if (isNew) router.navigate(deploymentPath(name.peek()))
  }

  // The answer was lost, but what was sent stands there.
  const stopWatching = effect(() => {
    if (sending.value || problem.value === null || isClientError(problem.value) || !currentDeployment.value)
      return
    if (diffBothLevels(overridesOf(currentDeployment.value), readOverrides()).length === 0) onAccepted()
  })

  const submit = async () => {
    levels.forEach(addDraft)
    if (blockedReason.peek() !== null) return
    const body = readOverrides()
    // The last that is known here: nothing in it is news to whoever sends the form.
    const revision = `"${currentDeployment.peek()?.revision}"`
    const text = JSON.stringify([name.peek(), body, reason.peek(), revision])
    if (idempotencyKey.body !== text) idempotencyKey = { body: text, value: createIdempotencyKey() }
    const options = { key: idempotencyKey.value, reason: reason.peek() }
    sending.value = true
    problem.value = null
    try {
      if (isNew) await client.call('createDeployment', { ...options, body: { name: name.peek(), ...body } })
      else {
        const params = { name: name.peek() }
        await client.call('updateDeployment', {
          ...options,
          body,
          params,
          headers: { [headers.ifMatch]: revision },
        })
      }
      onAccepted()
    } catch (error) {
      problem.value = toApiError(error)
      if (problem.value.code === 'changed_meanwhile') await sync.refresh()
    }
    sending.value = false
    if (remoteChanges.value.length > 0) problem.value = null
  }

  return {
    isNew,
    name,
    nameProblem: nameError,
    application,
    deployment,
    reason,
    defaults,
    dirty,
    blockedReason,
    sending,
    problem,
    remoteChanges,
    applyRemoteChanges,
    submit,
    close: () => {
      closed = true
      stopWatching()
      defaults.close()
    },
  }
}

const overridesOf = ({ deployment }: FullInfo) => deployment as Overrides

function isDirty({ modifiedKeys, draft }: ConfigLevelState): boolean {
  return modifiedKeys.value.size > 0 || draft.value.key + draft.value.value !== ''
}
