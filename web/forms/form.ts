/** The state of the form for a new or an existing deployment: what was typed, what is wrong, sending it once. */
import { computed, type ReadonlySignal, type Signal, signal } from '@preact/signals'
import { nameProblem } from '../../domain/name.ts'
import type { Override } from '../../domain/overrides.ts'
import { catchUp } from '../acting.ts'
import { newKey } from '../api.ts'
import { sameOverrides } from '../config-rows.ts'
import { type FollowedDefaults, followDefaults } from '../defaults.ts'
import { whyNot } from '../moves.ts'
import { type Problem, problemOfError } from '../problem.ts'
import { deploymentPath } from '../routes.ts'
import type { World } from '../world.ts'
import { addTyped, createLevel, type Level } from './editing.ts'

export type Form = {
  isNew: boolean
  name: Signal<string>
  nameProblem: ReadonlySignal<string | null>
  application: Level
  deployment: Level
  /** Why it is done, for those who read the history later; may stay empty. */
  reason: Signal<string>
  defaults: FollowedDefaults
  dirty: ReadonlySignal<boolean>
  /** What keeps it from being sent, in words. */
  obstacle: ReadonlySignal<string | null>
  sending: ReadonlySignal<boolean>
  problem: ReadonlySignal<Problem | null>
  /** Somebody else has changed the overrides since the form opened. */
  overtaken: ReadonlySignal<boolean>
  send(): Promise<void>
}

type Start = { name: string; app: readonly Override[]; deployment: readonly Override[] }

/** `start`: null for a new deployment. */
export function createForm(world: World, start: Start | null): Form {
  const { store, client, panel, unsaved, notices, router } = world
  const name = signal(start?.name ?? '')
  const reason = signal('')
  const deploymentOverrides = signal<readonly Override[]>(start?.deployment ?? [])
  const defaults = followDefaults(client, deploymentOverrides)
  const application = createLevel('Application config', start?.app ?? [], defaults.application)
  const deployment = createLevel(
    'Deployment config',
    deploymentOverrides.peek(),
    defaults.deployment,
    deploymentOverrides,
  )
  const levels = [application, deployment]
  const sending = signal(false)
  const problem = signal<Problem | null>(null)
  /** The key goes with what is sent: a repetition after a lost answer acts once, a corrected form anew. */
  let key = { body: '', value: '' }

  /** The row of what is edited, as it stands now. */
  const present = computed(() => {
    void store.changes.value
    return start === null ? undefined : store.rows.get(start.name)?.value
  })
  const edited = computed(() => levels.some(isDirty))
  const dirty = computed(() => edited.value || reason.value !== '' || name.value !== (start?.name ?? ''))
  const wrongName = computed(() => {
    if (start !== null) return null
    void store.changes.value
    return (
      nameProblem(name.value) ??
      (store.rows.has(name.value) ? `There is a deployment ${name.value} already.` : null)
    )
  })
  const obstacle = computed(() => {
    if (sending.value) return 'It is being sent.'
    if (wrongName.value !== null) return wrongName.value
    for (const one of levels) {
      const words = one.problem.value ?? one.typedProblem.value
      if (words !== null) return words
    }
    if (start === null) return null
    if (!edited.value) return 'Nothing has been changed.'
    return present.value === undefined ? null : whyNot('update', present.value, true)
  })
  const overtaken = computed(() => {
    const now = present.value?.deployment
    if (start === null || now === undefined || sending.value) return false
    return !(
      sameOverrides(start.app, now.app_overrides) && sameOverrides(start.deployment, now.deployment_overrides)
    )
  })

  const send = async () => {
    levels.forEach(addTyped)
    if (obstacle.peek() !== null) return
    const body = {
      app_overrides: [...application.overrides.peek()],
      deployment_overrides: [...deployment.overrides.peek()],
    }
    const text = JSON.stringify([name.peek(), body, reason.peek()])
    if (key.body !== text) key = { body: text, value: newKey() }
    const options = { key: key.value, reason: reason.peek() }
    sending.value = true
    problem.value = null
    try {
      if (start === null)
        await client.ask('createDeployment', { ...options, body: { name: name.peek(), ...body } })
      else await client.ask('updateDeployment', { ...options, body, params: { name: start.name } })
      unsaved.value = false
      panel.value = null
      notices.say(`${start === null ? 'Creating' : 'Updating'} ${name.peek()}.`)
      catchUp(world)
      if (start === null) router.go(deploymentPath(name.peek()))
    } catch (error) {
      problem.value = problemOfError(error)
    }
    sending.value = false
  }

  return {
    isNew: start === null,
    name,
    nameProblem: wrongName,
    application,
    deployment,
    reason,
    defaults,
    dirty,
    obstacle,
    sending,
    problem,
    overtaken,
    send,
  }
}

function isDirty({ initial, overrides, typed }: Level): boolean {
  return typed.value.key !== '' || typed.value.value !== '' || !sameOverrides(initial, overrides.value)
}
