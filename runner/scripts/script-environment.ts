/** The environment variables that control scripts see: a list of names, so that the secrets of Octopod stay out. */
import { type SettingName, settings } from '../../domain/settings.ts'
import { configFileVariable } from '../process/config-file.ts'

/** Passed to every script: paths, language, and access to the cluster. */
const defaultNames =
  'PATH HOME USER LANG LC_* TZ TMPDIR KUBECONFIG KUBECTL_BIN KUBERNETES_* HELM_* INGRESS_HOST_KEY DEFAULTS OCTOPOD_*'
/** Never passed, even when SCRIPT_ENVIRONMENT lists them: with these a script could act as any user. */
const forbiddenNames: ReadonlySet<string> = new Set<string>([
  ...(Object.keys(settings) as SettingName[]).filter((name) => 'secret' in settings[name]),
  // Set for each script that has such a file; one of the runner itself would be of another script.
  configFileVariable,
])

/**
 * `extraNames`: further names (SCRIPT_ENVIRONMENT), separated by commas. `PREFIX_*` stands for all names with this
 * prefix.
 */
export function scriptEnvironment(
  environment: Readonly<Record<string, string | undefined>>,
  extraNames = '',
): Record<string, string> {
  const names = `${defaultNames} ${extraNames}`.split(/[\s,]+/).filter(Boolean)
  const exactNames = new Set(names.filter((name) => !name.endsWith('*')))
  const prefixes = names.filter((name) => name.endsWith('*')).map((name) => name.slice(0, -1))
  const result: Record<string, string> = {}
  for (const [name, value] of Object.entries(environment)) {
    if (value === undefined || forbiddenNames.has(name)) continue
    if (exactNames.has(name) || prefixes.some((prefix) => name.startsWith(prefix))) result[name] = value
  }
  return result
}
