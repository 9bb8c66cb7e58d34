/** The config a deployment gets: defaults with overrides on top, of both levels. Called by commands/config.ts and diff.ts. */
import { applyOverrides, type Override, type Pair } from '../domain/overrides.ts'
import type { Octopod } from './client.ts'

export type Both<T> = { deployment: T; application: T }
type Overrides = { app_overrides: readonly Override[]; deployment_overrides: readonly Override[] }

/** Application defaults may depend on the deployment config: it is asked for first. */
export async function configOf(
  octopod: Octopod,
  { app_overrides, deployment_overrides }: Overrides,
): Promise<{ defaults: Both<Pair[]>; effective: Both<Pair[]> }> {
  const standard = await octopod.call('getDeploymentConfig', {})
  const deployment = applyOverrides(standard, deployment_overrides)
  // What the defaults are is asked under the deployment config in force.
  const application = await octopod.call('getApplicationConfig', { body: deployment })
  return {
    defaults: { deployment: standard, application },
    effective: { deployment, application: applyOverrides(application, app_overrides) },
  }
}
