/** The state of the form for a new or an existing deployment: what was typed, what is wrong, sending it once. */
import { computed, type ReadonlySignal, type Signal, signal } from '@preact/signals'
import { nameProblem } from '../../domain/name.ts'
import { normaliseKey, type Override } from '../../domain/overrides.ts'
import { catchUp } from '../acting.ts'
import { newKey } from '../api.ts'
import { problemsOf, sameOverrides, setValue } from '../config-rows.ts'
import { type Defaults, type FollowedDefaults, followDefaults } from '../defaults.ts'
import { type Problem, problemOfError } from '../problem.ts'
import { deploymentPath } from '../routes.ts'
import type { World } from '../world.ts'

/** One config level while it is edited. `typed`: the new key that has not been added yet. */
export type Level = {
  title: string
  initial: readonly Override[]
  overrides: Signal<readonly Override[]>
  defaults: ReadonlySignal<Defaults>
  typed: Signal<{ key: string; value: string }>
}

export type Form = {
  isNew: boolean
  name: Signal<string>
  nameProblem: ReadonlySignal<string | null>
  application: Level
  deployment: Level
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
  const name = signal(start?.name ?? '')
  const deploymentOverrides = signal<readonly Override[]>(start?.deployment ?? [])
  const defaults = followDefaults(world.client, deploymentOverrides)
  const application = level('Application config', start?.app ?? [], defaults.application)
  const deployment = level(
    'Deployment config',
    start?.deployment ?? [],
    defaults.deployment,
    deploymentOverrides,
  )
  const sending = signal(false)
  const problem = signal<Problem | null>(null)
  /** The key goes with what is sent: a repetition after a lost answer acts once, a corrected form anew. */
  let key = { body: '', value: '' }

  const dirty = computed(
    () => isDirty(application) || isDirty(deployment) || name.value !== (start?.name ?? ''),
  )
  const wrongName = computed(() => {
    if (start !== null) return null
    return (
      nameProblem(name.value) ??
      (world.store.rows.has(name.value) ? `There is a deployment ${name.value} already.` : null)
    )
  })
  const obstacle = computed(() => {
    if (sending.value) return 'It is being sent.'
    if (wrongName.value !== null) return wrongName.value
    for (const { overrides } of [deployment, application]) {
      for (const words of problemsOf(overrides.value).values()) return words
    }
    return start !== null && !dirty.value ? 'Nothing has been changed.' : null
  })
  const overtaken = computed(() => {
    void world.store.changes.value
    const now = start === null ? undefined : world.store.rows.get(start.name)?.value.deployment
    if (start === null || now === undefined) return false
    const same =
      sameOverrides(start.app, now.app_overrides) && sameOverrides(start.deployment, now.deployment_overrides)
    return !same && !sending.value
  })

  const send = async () => {
    for (const one of [application, deployment]) addTyped(one)
    if (obstacle.value !== null) return
    const body = {
      app_overrides: [...application.overrides.value],
      deployment_overrides: [...deployment.overrides.value],
    }
    const text = JSON.stringify([name.value, body])
    if (key.body !== text) key = { body: text, value: newKey() }
    sending.value = true
    problem.value = null
    try {
      if (start === null) {
        await world.client.ask('createDeployment', { body: { name: name.value, ...body }, key: key.value })
      } else {
        await world.client.ask('updateDeployment', { params: { name: start.name }, body, key: key.value })
      }
      world.unsaved.value = false
      world.panel.value = null
      world.notices.say(`${start === null ? 'Creating' : 'Updating'} ${name.value}.`)
      catchUp(world)
      if (start === null) world.router.go(deploymentPath(name.value))
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
    defaults,
    dirty,
    obstacle,
    sending,
    problem,
    overtaken,
    send,
  }
}

/** A key that was typed but not added: adding it is what was meant. */
export function addTyped({ typed, overrides, defaults }: Level): void {
  const key = normaliseKey(typed.value.key)
  if (key === '') return
  overrides.value = setValue(defaults.value.pairs, overrides.value, key, typed.value.value)
  typed.value = { key: '', value: '' }
}

function level(
  title: string,
  initial: readonly Override[],
  defaults: ReadonlySignal<Defaults>,
  overrides: Signal<readonly Override[]> = signal(initial),
): Level {
  return { title, initial, overrides, defaults, typed: signal({ key: '', value: '' }) }
}

function isDirty({ initial, overrides, typed }: Level): boolean {
  return typed.value.key !== '' || typed.value.value !== '' || !sameOverrides(initial, overrides.value)
}
