/** The effective config of a deployment: the defaults that the config scripts print, with the overrides on top. */
import { applyOverrides, type ByLevel, type KeyValue, type Override } from '../../domain/overrides.ts'
import type { ConfigScript, EffectiveConfig } from '../../domain/script.ts'
import type { RunnerContext } from '../context.ts'
import { getConfigScriptAnswer } from './config-scripts.ts'

export type DeploymentWithOverrides = {
  name: string
  overrides: ByLevel<readonly Override[]>
}

/** Returns an error message instead when a config script fails. */
export async function getEffectiveConfig(
  context: RunnerContext,
  { overrides }: DeploymentWithOverrides,
): Promise<EffectiveConfig | string> {
  const deploymentDefaults = await readDefaults(context, 'deployment_config', [])
  if (typeof deploymentDefaults === 'string') return deploymentDefaults
  const deployment = applyOverrides(deploymentDefaults, overrides.deployment)
  const applicationDefaults = await readDefaults(context, 'application_config', deployment)
  if (typeof applicationDefaults === 'string') return applicationDefaults
  return { deployment, application: applyOverrides(applicationDefaults, overrides.application) }
}

async function readDefaults(
  context: RunnerContext,
  script: ConfigScript,
  deployment: readonly KeyValue[],
): Promise<KeyValue[] | string> {
  const answer = await getConfigScriptAnswer(context, script, deployment)
  if (answer.status === 'pairs') return answer.pairs
  return answer.status === 'failed' ? answer.message : `The ${script} script returned no defaults.`
}
