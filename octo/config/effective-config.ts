/** The config a deployment gets: defaults with overrides on top, of both levels. Called by commands/config.ts and diff.ts. */
import { applyOverrides, type ByLevel, type KeyValue, type Override } from '../../domain/overrides.ts'
import type { ApiClient } from '../api/client.ts'

/** Application defaults may depend on the deployment config: it is asked for first. */
export async function readEffectiveConfig(
  client: ApiClient,
  overrides: ByLevel<readonly Override[]>,
): Promise<{ defaults: ByLevel<KeyValue[]>; effective: ByLevel<KeyValue[]> }> {
  const deploymentDefaults = await client.call('getDeploymentConfig', {})
  const deployment = applyOverrides(deploymentDefaults, overrides.deployment)
  // What the defaults are is asked under the deployment config in force.
  const application = await client.call('getApplicationConfig', { body: deployment })
  return {
    defaults: { deployment: deploymentDefaults, application },
    effective: { deployment, application: applyOverrides(application, overrides.application) },
  }
}
