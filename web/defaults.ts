/**
 * Defaults and suggested keys of both config levels, from the config scripts. Those of the application depend on the
 * effective deployment config and are asked for again when it changes. Used by the form and by a deployment's page.
 */
import { computed, effect, type ReadonlySignal, type Signal, signal } from '@preact/signals'
import { applyOverrides, type Override, type Pair } from '../domain/overrides.ts'
import type { Client } from './api.ts'
import { type Problem, problemOfError } from './problem.ts'

/** waiting: for the deployment config. While loading again, the answers of before stay. */
export type Defaults = {
  state: 'waiting' | 'loading' | 'ready' | 'failed'
  pairs: readonly Pair[]
  keys: readonly string[]
  problem: Problem | null
}

export type FollowedDefaults = {
  deployment: ReadonlySignal<Defaults>
  application: ReadonlySignal<Defaults>
  /** Asks again for what failed. */
  again(): void
  close(): void
}

const nothing: Defaults = { state: 'loading', pairs: [], keys: [], problem: null }
/** Typing must have paused that long before scripts are asked. */
const pauseMs = 350

export function followDefaults(
  client: Client,
  deploymentOverrides: ReadonlySignal<readonly Override[]>,
): FollowedDefaults {
  const deployment = signal(nothing)
  const application = signal<Defaults>({ ...nothing, state: 'waiting' })
  const attempt = signal(0)
  const leaving = new AbortController()

  const loadDeployment = () =>
    load(deployment, leaving.signal, [
      client.ask('getDeploymentConfig', { signal: leaving.signal }),
      client.ask('getDeploymentKeys', { signal: leaving.signal }),
    ])
  void loadDeployment()

  // As text, so that only a real difference asks the scripts again.
  const effective = computed(() => {
    const { state, pairs } = deployment.value
    return state === 'ready' ? JSON.stringify(applyOverrides(pairs, deploymentOverrides.value)) : null
  })
  const stop = effect(() => {
    const text = effective.value
    const first = attempt.value === 0 && application.peek().state === 'waiting'
    if (text === null) return
    const withdrawn = new AbortController()
    const { signal } = withdrawn
    application.value = { ...application.peek(), state: 'loading', problem: null }
    const timer = setTimeout(
      () => {
        const body = JSON.parse(text) as Pair[]
        void load(application, signal, [
          client.ask('getApplicationConfig', { body, signal }),
          client.ask('getApplicationKeys', { body, signal }),
        ])
      },
      first ? 0 : pauseMs,
    )
    return () => {
      clearTimeout(timer)
      withdrawn.abort()
    }
  })

  return {
    deployment,
    application,
    again: () => {
      if (deployment.peek().problem !== null) void loadDeployment()
      if (application.peek().problem !== null) attempt.value += 1
    },
    close: () => {
      stop()
      leaving.abort()
    },
  }
}

async function load(
  into: Signal<Defaults>,
  withdrawn: AbortSignal,
  questions: [Promise<Pair[]>, Promise<string[]>],
): Promise<void> {
  into.value = { ...into.peek(), state: 'loading', problem: null }
  const [pairs, keys] = await Promise.allSettled(questions)
  if (withdrawn.aborted) return
  const before = into.peek()
  const failed = [pairs, keys].find((one) => one.status === 'rejected')
  into.value = {
    state: pairs.status === 'fulfilled' ? 'ready' : 'failed',
    pairs: pairs.status === 'fulfilled' ? pairs.value : before.pairs,
    keys: keys.status === 'fulfilled' ? keys.value : before.keys,
    problem: failed === undefined ? null : problemOfError(failed.reason),
  }
}
