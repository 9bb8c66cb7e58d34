/** The effective config of a deployment: the defaults that the config scripts print, with the overrides on top. */

import type { Failure } from '../../domain/failures/failure.ts'
import { applyOverrides, type ByLevel, type KeyValue, type Override } from '../../domain/overrides.ts'
import type { ConfigScript, EffectiveConfig } from '../../domain/script.ts'
import type { RunnerContext } from '../context.ts'
import { getConfigScriptAnswer } from './config-scripts.ts'

export type DeploymentWithOverrides = {
  name: string
  overrides: ByLevel<readonly Override[]>
}

/** `deployment`: the config of that level, unless its script failed. */
type ConfigFailure = { failure: Failure; deployment?: readonly KeyValue[] }

/** Returns a failure instead when a config script fails, and soon after `signal` aborts. */
export async function getEffectiveConfig(
  context: RunnerContext,
  deployment: DeploymentWithOverrides,
  signal?: AbortSignal,
): Promise<EffectiveConfig | ConfigFailure> {
  const config = computeConfig(context, deployment)
  return signal === undefined ? config : orAborted(config, signal)
}

async function computeConfig(
  context: RunnerContext,
  { overrides }: DeploymentWithOverrides,
): Promise<EffectiveConfig | ConfigFailure> {
  const deploymentDefaults = await readDefaults(context, 'deployment_config', [])
  if ('failure' in deploymentDefaults) return deploymentDefaults
  const deployment = applyOverrides(deploymentDefaults, overrides.deployment)
  const applicationDefaults = await readDefaults(context, 'application_config', deployment)
  if ('failure' in applicationDefaults) return { ...applicationDefaults, deployment }
  return { deployment, application: applyOverrides(applicationDefaults, overrides.application) }
}

async function readDefaults(
  context: RunnerContext,
  script: ConfigScript,
  deployment: readonly KeyValue[],
): Promise<KeyValue[] | { failure: Failure }> {
  const answer = await getConfigScriptAnswer(context, script, deployment)
  if (answer.status === 'pairs') return answer.pairs
  const message = answer.status === 'failed' ? answer.message : `The ${script} script returned no defaults.`
  const known = answer.status === 'failed' ? answer.failure : undefined
  const failure = known ?? { script, message, hint: null, output: null }
  return { failure: { ...failure, what: 'config_script' } }
}

const aborted: Failure = {
  what: 'config_script',
  script: null,
  message: 'Aborted.',
  hint: null,
  output: null,
}

/** The config scripts go on after an abort, because others may wait for their output too. */
async function orAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T | { failure: Failure }> {
  const abort = Promise.withResolvers<{ failure: Failure }>()
  const onAbort = () => abort.resolve({ failure: aborted })
  if (signal.aborted) onAbort()
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    return await Promise.race([promise, abort.promise])
  } finally {
    // A combined signal with a listener lives as long as its sources, here as long as the runner.
    signal.removeEventListener('abort', onAbort)
  }
}
