/** The state of the form for a new or an existing deployment: what was typed, what is wrong, sending it once. */
import { batch, computed, effect, type ReadonlySignal, type Signal, signal } from '@preact/signals'
import { nameProblem } from '../../domain/name.ts'
import { headers } from '../../domain/places.ts'
import type { FullInfo } from '../../domain/shapes.ts'
import { catchUp } from '../acting.ts'
import { newKey } from '../api.ts'
import { type Change, changesOfBoth, noOverrides, type Overrides, rebased } from '../config-rows.ts'
import { type FollowedDefaults, followDefaults } from '../defaults.ts'
import { whyNot } from '../moves.ts'
import { isRefused, type Problem, problemOfError } from '../problem.ts'
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
  /** What somebody else has changed since the form opened. */
  meanwhile: ReadonlySignal<readonly Change[]>
  /** Puts what was edited here on top of it. */
  takeOver(): void
  send(): Promise<void>
  close(): void
}

/** `start`: null for a new deployment. */
export function createForm(world: World, start: FullInfo | null): Form {
  const { store, sync, client, panel, unsaved, notices, router } = world
  const isNew = start === null
  const saved = signal(isNew ? noOverrides : savedIn(start))
  const name = signal(start?.deployment.name ?? '')
  const reason = signal('')
  const deploymentOverrides = signal(saved.peek().deployment_overrides)
  const defaults = followDefaults(client, deploymentOverrides)
  const application = createLevel(
    'Application config',
    computed(() => saved.value.app_overrides),
    defaults.application,
  )
  const deployment = createLevel(
    'Deployment config',
    computed(() => saved.value.deployment_overrides),
    defaults.deployment,
    deploymentOverrides,
  )
  let closed = false
  const levels = [application, deployment]
  const sending = signal(false)
  const problem = signal<Problem | null>(null)
  /** The key goes with what is sent: a repetition after a lost answer acts once, a corrected form anew. */
  let key = { body: '', value: '' }

  /** The row of this name, as it stands now. */
  const present = computed(() => {
    void store.changes.value
    return store.rows.get(name.value)?.value
  })
  const edited = computed(() => levels.some(isDirty))
  const dirty = computed(() => edited.value || reason.value !== '' || (isNew && name.value !== ''))
  const wrongName = computed(() => {
    if (!isNew) return null
    const taken = present.value && `There is a deployment ${name.value} already.`
    return nameProblem(name.value) ?? taken ?? null
  })
  const meanwhile = computed(() => {
    if (isNew || present.value === undefined || sending.value) return []
    return changesOfBoth(saved.value, savedIn(present.value))
  })
  const obstacle = computed(() => {
    if (sending.value) return 'It is being sent.'
    if (wrongName.value !== null) return wrongName.value
    for (const one of levels) {
      const words = one.problem.value ?? one.typedProblem.value
      if (words !== null) return words
    }
    if (isNew) return null
    if (present.value === undefined) return `${name.value} is gone.`
    const why = whyNot('update', present.value, true)
    if (why !== null) return why
    if (meanwhile.value.length > 0) return 'Look at what has changed meanwhile.'
    return edited.value ? null : 'Nothing has been changed.'
  })
  const takeOver = () =>
    batch(() => {
      if (present.value === undefined) return
      const [was, now] = [saved.value, savedIn(present.value)]
      application.overrides.value = rebased(was.app_overrides, application.overrides.value, now.app_overrides)
      deployment.overrides.value = rebased(
        was.deployment_overrides,
        deployment.overrides.value,
        now.deployment_overrides,
      )
      saved.value = now
    })

  const written = () => ({
    app_overrides: [...application.overrides.peek()],
    deployment_overrides: [...deployment.overrides.peek()],
  })

  const accepted = () => {
    problem.value = null
    notices.say(`${isNew ? 'Creating' : 'Updating'} ${name.peek()}.`)
    catchUp(world)
    // Whoever has given up waiting for it is somewhere else by now.
    if (closed) return
    unsaved.value = false
    panel.value = null
    if (isNew) router.go(deploymentPath(name.peek()))
  }

  // The answer was lost, but what was sent stands there.
  const stop = effect(() => {
    if (sending.value || problem.value === null || isRefused(problem.value) || !present.value) return
    if (changesOfBoth(savedIn(present.value), written()).length === 0) accepted()
  })

  const send = async () => {
    levels.forEach(addTyped)
    if (obstacle.peek() !== null) return
    const body = written()
    // The last that is known here: nothing in it is news to whoever sends the form.
    const revision = `"${present.peek()?.revision}"`
    const text = JSON.stringify([name.peek(), body, reason.peek(), revision])
    if (key.body !== text) key = { body: text, value: newKey() }
    const options = { key: key.value, reason: reason.peek() }
    sending.value = true
    problem.value = null
    try {
      if (isNew) await client.ask('createDeployment', { ...options, body: { name: name.peek(), ...body } })
      else {
        const params = { name: name.peek() }
        await client.ask('updateDeployment', {
          ...options,
          body,
          params,
          headers: { [headers.ifMatch]: revision },
        })
      }
      accepted()
    } catch (error) {
      problem.value = problemOfError(error)
      if (problem.value.code === 'changed_meanwhile') await sync.refresh()
    }
    sending.value = false
    if (meanwhile.value.length > 0) problem.value = null
  }

  return {
    isNew,
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
    meanwhile,
    takeOver,
    send,
    close: () => {
      closed = true
      stop()
      defaults.close()
    },
  }
}

const savedIn = ({ deployment }: FullInfo) => deployment as Overrides

function isDirty({ touched, typed }: Level): boolean {
  return touched.value.size > 0 || typed.value.key + typed.value.value !== ''
}
