/**
 * The config that a deployment gets: the defaults of both levels with its overrides. Called by the config and diff
 * commands.
 */
import { applyOverrides, type ByLevel, type KeyValue, type Override } from '../../domain/overrides.ts'
import type { ApiClient } from '../api/types.ts'

/** Reads the deployment config first, because the application defaults may depend on it. */
export async function readEffectiveConfig(
  client: ApiClient,
  overrides: ByLevel<readonly Override[]>,
): Promise<{ defaults: ByLevel<KeyValue[]>; effective: ByLevel<KeyValue[]> }> {
  const deploymentDefaults = await client.call('getDeploymentConfig', {})
  const deployment = applyOverrides(deploymentDefaults, overrides.deployment)
  const application = await client.call('getApplicationConfig', { body: deployment })
  return {
    defaults: { deployment: deploymentDefaults, application },
    effective: { deployment, application: applyOverrides(application, overrides.application) },
  }
}
