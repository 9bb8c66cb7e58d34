/**
 * Loads defaults and suggested keys of both config levels from the config scripts. The application's depend
 * on the effective deployment config and are reloaded when it changes. Used by the form and the deployment
 * page.
 */
import { computed, effect, type ReadonlySignal, type Signal, signal } from '@preact/signals'
import type { ApiClient } from '../../client/call-endpoint.ts'
import { type ApiError, toApiError } from '../../client/errors.ts'
import { applyOverrides, type KeyValue, type Override } from '../../domain/overrides.ts'

/** waiting: for the deployment config. While reloading, the previous values stay. */
export type ConfigDefaults = {
  state: 'waiting' | 'loading' | 'ready' | 'failed'
  pairs: readonly KeyValue[]
  keys: readonly string[]
  error: ApiError | null
}

export type DefaultsResource = {
  deployment: ReadonlySignal<ConfigDefaults>
  application: ReadonlySignal<ConfigDefaults>
  /** Reloads the failed parts. */
  reload(): void
  close(): void
}

const emptyDefaults: ConfigDefaults = { state: 'loading', pairs: [], keys: [], error: null }
/** Delay after the last keystroke before scripts are queried. */
const debounceMs = 350

export function createDefaultsResource(
  client: ApiClient,
  deploymentOverrides: ReadonlySignal<readonly Override[]>,
): DefaultsResource {
  const deployment = signal(emptyDefaults)
  const application = signal<ConfigDefaults>({ ...emptyDefaults, state: 'waiting' })
  const attempt = signal(0)
  const closing = new AbortController()

  const loadDeployment = () =>
    load(deployment, closing.signal, [
      client.call('getDeploymentConfig', { signal: closing.signal }),
      client.call('getDeploymentKeys', { signal: closing.signal }),
    ])
  void loadDeployment()

  // Compared as text, so that only a real difference queries the scripts again.
  const effective = computed(() => {
    const { state, pairs } = deployment.value
    return state === 'ready' ? JSON.stringify(applyOverrides(pairs, deploymentOverrides.value)) : null
  })
  const stop = effect(() => {
    const text = effective.value
    const isFirstLoad = attempt.value === 0 && application.peek().state === 'waiting'
    if (text === null) return
    const superseded = new AbortController()
    const { signal } = superseded
    application.value = { ...application.peek(), state: 'loading', error: null }
    const timer = setTimeout(
      () => {
        const body = JSON.parse(text) as KeyValue[]
        void load(application, signal, [
          client.call('getApplicationConfig', { body, signal }),
          client.call('getApplicationKeys', { body, signal }),
        ])
      },
      isFirstLoad ? 0 : debounceMs,
    )
    return () => {
      clearTimeout(timer)
      superseded.abort()
    }
  })

  return {
    deployment,
    application,
    reload: () => {
      if (deployment.peek().error !== null) void loadDeployment()
      if (application.peek().error !== null) attempt.value += 1
    },
    close: () => {
      stop()
      closing.abort()
    },
  }
}

async function load(
  target: Signal<ConfigDefaults>,
  abortSignal: AbortSignal,
  requests: [Promise<KeyValue[]>, Promise<string[]>],
): Promise<void> {
  target.value = { ...target.peek(), state: 'loading', error: null }
  const [pairs, keys] = await Promise.allSettled(requests)
  if (abortSignal.aborted) return
  const previous = target.peek()
  const failed = [pairs, keys].find((result) => result.status === 'rejected')
  target.value = {
    state: pairs.status === 'fulfilled' ? 'ready' : 'failed',
    pairs: pairs.status === 'fulfilled' ? pairs.value : previous.pairs,
    keys: keys.status === 'fulfilled' ? keys.value : previous.keys,
    error: failed === undefined ? null : toApiError(failed.reason),
  }
}
