/** The effective config of a deployment: defaults from the scripts with its overrides on top, both levels. */
import { applyOverrides, type Override, type Pair } from '../domain/overrides.ts'
import type { ConfigScript, EffectiveConfig } from '../domain/script.ts'
import { configAnswer } from './config-answer.ts'
import type { Workshop } from './workshop.ts'

export type Target = {
  name: string
  appOverrides: readonly Override[]
  deploymentOverrides: readonly Override[]
}

/** The words of what went wrong instead, when a script could not tell its defaults. */
export async function effectiveConfig(workshop: Workshop, target: Target): Promise<EffectiveConfig | string> {
  const deploymentDefaults = await defaults(workshop, 'deployment_config', [])
  if (typeof deploymentDefaults === 'string') return deploymentDefaults
  const deployment = applyOverrides(deploymentDefaults, target.deploymentOverrides)
  const applicationDefaults = await defaults(workshop, 'application_config', deployment)
  if (typeof applicationDefaults === 'string') return applicationDefaults
  return { deployment, application: applyOverrides(applicationDefaults, target.appOverrides) }
}

async function defaults(
  workshop: Workshop,
  script: ConfigScript,
  deployment: readonly Pair[],
): Promise<Pair[] | string> {
  const answer = await configAnswer(workshop, script, deployment)
  if (answer.is === 'pairs') return answer.pairs
  return answer.is === 'failed' ? answer.words : `The ${script} script gave no pairs.`
}
