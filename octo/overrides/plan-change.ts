/**
 * What a change of overrides does to a deployment, before it is sent: whether it is created, updated or stays as it is, and
 * which config values differ. Called by apply, create --dry-run and diff -f.
 */
import { statusOf } from '../../client/action-outcome.ts'
import { canStart } from '../../domain/actions.ts'
import {
  type ByLevel,
  type ConfigLevel,
  type KeyValue,
  noOverrides,
  type Override,
  overridesFromWire,
  updateOverrides,
} from '../../domain/overrides.ts'
import type { FullInfo } from '../../domain/schemas.ts'
import { isSecretReference } from '../../domain/secrets/secret-reference.ts'
import { requireRight } from '../api/require-right.ts'
import type { ApiClient } from '../api/types.ts'
import { type Difference, diffConfigs, hideSecrets } from '../config/diff.ts'
import { readEffectiveConfig } from '../config/effective-config.ts'
import { CliError } from '../errors/cli-error.ts'
import { levelNames } from './level-names.ts'

export type Plan = {
  name: string
  /** Null: the deployment does not exist. */
  info: FullInfo | null
  result: 'created' | 'updated' | 'unchanged'
  changesOverrides: boolean
  before: ByLevel<readonly Override[]>
  after: ByLevel<readonly Override[]>
}

/** `prune`: overrides that `set` does not name are removed. */
export async function planChange(
  client: ApiClient,
  name: string,
  set: ByLevel<readonly Override[]>,
  prune = false,
): Promise<Plan> {
  const info = await findDeployment(client, name)
  const before = info === null ? noOverrides : overridesFromWire(info.deployment)
  const afterOf = (level: ConfigLevel) => updateOverrides(prune ? [] : before[level], set[level], [])
  const after = { application: afterOf('application'), deployment: afterOf('deployment') }
  const isSame =
    hasSameOverrides(before.application, after.application) &&
    hasSameOverrides(before.deployment, after.deployment)
  const result = info === null ? 'created' : isSame ? 'unchanged' : 'updated'
  return { name, info, result, changesOverrides: result !== 'unchanged', before, after }
}

/** The order has no meaning. */
function hasSameOverrides(left: readonly Override[], right: readonly Override[]): boolean {
  const values = new Map(left.map(([key, value]) => [key, JSON.stringify(value)]))
  return (
    left.length === right.length && right.every(([key, value]) => values.get(key) === JSON.stringify(value))
  )
}

async function findDeployment(client: ApiClient, name: string): Promise<FullInfo | null> {
  try {
    return await client.call('getFullInfo', { params: { name } })
  } catch (error) {
    if (error instanceof CliError && error.status === 404) return null
    throw error
  }
}

/** Throws when the server would refuse the plan for the status of the deployment or for the rights of the caller. */
export async function requirePossible(client: ApiClient, { name, info, result }: Plan): Promise<void> {
  if (result === 'unchanged') return
  if (info !== null && (info.status.tag === 'DeploymentPending' || !canStart('update', statusOf(info)))) {
    const isPending = info.status.tag === 'DeploymentPending'
    throw new CliError('refused', `Deployment ${name} ${isPending ? 'is busy' : `is ${statusOf(info)}`}.`)
  }
  await requireRight(client, result === 'created' ? 'create' : 'update', name)
}

/** The config values that the scripts would get instead, without secrets. For a new deployment compared with the defaults. */
export async function planDifferences(
  client: ApiClient,
  { info, before, after }: Plan,
): Promise<Difference[]> {
  const { defaults, effective } = await readEffectiveConfig(client, after)
  const present = info === null ? defaults : (await readEffectiveConfig(client, before)).effective
  const ofLevel = (level: ConfigLevel) =>
    diffConfigs(levelNames[level], present[level], hideGivenSecrets(present[level], effective[level]))
  return hideSecrets([...ofLevel('deployment'), ...ofLevel('application')], true).differences
}

/** A value that replaces a secret is a secret too. */
function hideGivenSecrets(before: readonly KeyValue[], after: readonly KeyValue[]): KeyValue[] {
  const secrets = new Map(before.filter(([, value]) => isSecretReference(value)))
  return after.map(([key, value]) =>
    secrets.has(key) && !isSecretReference(value) ? [key, '*** (secret, changed)'] : [key, value],
  )
}
