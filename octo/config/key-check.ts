/**
 * Notices mistyped config keys: compares the keys of a command line with those that the scripts of the installation
 * list. Warns, and with --strict refuses. Called by the create and update commands.
 */
import { applyOverrides, type ByLevel, type ConfigLevel, type Override } from '../../domain/overrides.ts'
import { withTimeout } from '../../lib/with-timeout.ts'
import type { ApiClient } from '../api/types.ts'
import { suggestion } from '../cli/suggestion.ts'
import { CliError } from '../errors/cli-error.ts'

/** The keys that a command sets and unsets, and the overrides that the deployment has already. */
export type UsedKeys = {
  set: ByLevel<readonly Override[]>
  unset?: ByLevel<readonly string[]>
  stored?: ByLevel<readonly Override[]>
}

export type KeyCheck = {
  /** Comes before the request. Throws with --strict for an unknown key; else only starts to look the keys up. */
  begin(client: ApiClient, used: UsedKeys): Promise<void>
  /** Comes after the request. Prints a warning for each unknown key. */
  report(): Promise<void>
}

/** A slow script must not keep a command from ending. */
const reportTimeoutMs = 10_000
const remedy = 'octo config --keys lists the keys. Without --strict such a key is only a warning.'

export function createKeyCheck(strict: boolean, note: (text: string) => void): KeyCheck {
  let warnings: Promise<string[]> = Promise.resolve([])
  return {
    async begin(client, used) {
      const problems = findUnknownKeys(client, used, strict)
      if (!strict) {
        // Without the lists there is no warning; the request itself reports a server that does not respond.
        warnings = problems.catch(() => [])
        return
      }
      const found = await problems
      if (found.length > 0) throw new CliError('usage', found.join('\n'), remedy)
    },
    async report() {
      const found = (await withTimeout(warnings, reportTimeoutMs, () => {})) ?? []
      for (const text of found) note(`warning: ${text}`)
    },
  }
}

const levels = ['deployment', 'application'] as const
const optionOf = { application: '-e', deployment: '-o' } as const satisfies ByLevel<string>

/** A sentence for each unknown key. A level whose script lists no keys is not judged, which --strict does not accept. */
async function findUnknownKeys(client: ApiClient, used: UsedKeys, strict: boolean): Promise<string[]> {
  const keys = usedKeys(used)
  if (keys.application.length + keys.deployment.length === 0) return []
  const { listed, defaults } = await readKnownKeys(client, used)
  return levels.flatMap((level) => {
    const other = level === 'application' ? 'deployment' : 'application'
    const known = new Set([...listed[level], ...defaults[level]])
    if (listed[level].length === 0)
      return strict && keys[level].length > 0
        ? [
            `the installation lists no keys of the ${level} config, so --strict cannot check ${keys[level].join(', ')}.`,
          ]
        : []
    return keys[level]
      .filter((key) => !known.has(key))
      .map((key) => {
        const advice = listed[other].includes(key)
          ? ` It is a key of the ${other} config (${optionOf[other]}).`
          : suggestion(key, [...known])
        return `the ${level} config has no key "${key}".${advice}`
      })
  })
}

/** Without the unset keys that have an override: they are no mistake. */
function usedKeys({ set, unset, stored }: UsedKeys): ByLevel<string[]> {
  const ofLevel = (level: ConfigLevel) => {
    const overridden = new Set(stored?.[level].map(([key]) => key))
    const absent = (unset?.[level] ?? []).filter((key) => !overridden.has(key))
    return [...new Set([...set[level].map(([key]) => key), ...absent])]
  }
  return { application: ofLevel('application'), deployment: ofLevel('deployment') }
}

/** A default is a key too, although its script may not list it. */
async function readKnownKeys(
  client: ApiClient,
  { set, stored }: UsedKeys,
): Promise<{ listed: ByLevel<string[]>; defaults: ByLevel<string[]> }> {
  const [deploymentKeys, deploymentDefaults] = await Promise.all([
    client.call('getDeploymentKeys', {}),
    client.call('getDeploymentConfig', {}),
  ])
  const body = applyOverrides(applyOverrides(deploymentDefaults, stored?.deployment ?? []), set.deployment)
  const [applicationKeys, applicationDefaults] = await Promise.all([
    client.call('getApplicationKeys', { body }),
    client.call('getApplicationConfig', { body }),
  ])
  const names = (pairs: readonly (readonly [string, string])[]) => pairs.map(([key]) => key)
  return {
    listed: { application: applicationKeys, deployment: deploymentKeys },
    defaults: { application: names(applicationDefaults), deployment: names(deploymentDefaults) },
  }
}
