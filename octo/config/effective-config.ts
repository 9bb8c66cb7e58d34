/** The config a deployment gets: defaults with overrides on top, of both levels. Called by commands/config.ts and diff.ts. */
import { applyOverrides, type KeyValue, type Override } from '../../domain/overrides.ts'
import type { ApiClient } from '../api/client.ts'

export type Levels<T> = { deployment: T; application: T }
type Overrides = { app_overrides: readonly Override[]; deployment_overrides: readonly Override[] }

/** Application defaults may depend on the deployment config: it is asked for first. */
export async function readEffectiveConfig(
  client: ApiClient,
  { app_overrides, deployment_overrides }: Overrides,
): Promise<{ defaults: Levels<KeyValue[]>; effective: Levels<KeyValue[]> }> {
  const deploymentDefaults = await client.call('getDeploymentConfig', {})
  const deployment = applyOverrides(deploymentDefaults, deployment_overrides)
  // What the defaults are is asked under the deployment config in force.
  const application = await client.call('getApplicationConfig', { body: deployment })
  return {
    defaults: { deployment: deploymentDefaults, application },
    effective: { deployment, application: applyOverrides(application, app_overrides) },
  }
}
