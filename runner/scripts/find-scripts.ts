/**
 * Finds the control scripts this runner was given and makes the environment they see (contract §3).
 * Called once by main at the start; hands paths and environment to whoever runs a script.
 */
import { accessSync, constants, statSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { type ScriptName, scriptNames, scripts } from '../../domain/script.ts'
import { type RunnerSettings, SettingsError } from '../../domain/settings.ts'

export type ControlScripts = {
  /** The absolute path; null only for an optional script that is not there. */
  path(name: ScriptName): string | null
}

type ScriptSettings = Partial<
  Pick<RunnerSettings, 'CONTROL_SCRIPTS_DIR' | (typeof scripts)[ScriptName]['setting']>
>

/** Throws one SettingsError that names everything missing. */
export function findScripts(settings: RunnerSettings): ControlScripts {
  const { errors, path } = locateScripts(settings)
  if (errors.length > 0) throw new SettingsError(`Control scripts: ${errors.join('\n')}`)
  return { path }
}

/** A script's own setting wins, else its file in CONTROL_SCRIPTS_DIR, else that under its other name. */
export function locateScripts(settings: ScriptSettings): ControlScripts & { errors: string[] } {
  const paths = new Map<ScriptName, string>()
  const errors: string[] = []

  // First: is there a folder to look in?
  const folder = settings.CONTROL_SCRIPTS_DIR
  const unsetNames = scriptNames.filter((name) => !scripts[name].optional && !settings[scripts[name].setting])
  if (folder !== undefined && fileKind(folder) !== 'folder')
    errors.push(`CONTROL_SCRIPTS_DIR is ${folder}, which is not a folder`)
  if (folder === undefined && unsetNames.length > 0)
    errors.push(
      `CONTROL_SCRIPTS_DIR is not set: give it the folder with all control scripts, or set ${unsetNames.map((name) => scripts[name].setting).join(', ')}`,
    )
  const hasNoFolder = errors.length > 0

  // Then: is each script there, and can it be executed?
  for (const name of scriptNames) {
    const { setting, alias, optional } = scripts[name]
    const configuredPath = settings[setting]
    if (configuredPath === undefined && (hasNoFolder || folder === undefined)) continue
    const candidates = configuredPath
      ? [configuredPath]
      : [name, alias ?? name].map((file) => join(folder ?? '', file))
    const path = candidates.find((each) => fileKind(each) !== null)
    const kind = path === undefined ? null : fileKind(path)
    if (path !== undefined && kind === 'executable') paths.set(name, resolve(path))
    else if (path !== undefined)
      errors.push(
        `the ${name} script is not an executable file: ${path} (${kind === 'folder' ? 'it is a folder' : 'chmod +x makes it one'})`,
      )
    else if (configuredPath) errors.push(`the ${name} script is not there: ${configuredPath} (${setting})`)
    else if (!optional)
      errors.push(`the ${name} script is not there: ${[...new Set(candidates)].join(' or ')}`)
  }

  return { errors, path: (name) => paths.get(name) ?? null }
}

function fileKind(path: string): 'folder' | 'executable' | 'file' | null {
  try {
    if (statSync(path).isDirectory()) return 'folder'
    accessSync(path, constants.X_OK)
    return 'executable'
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EACCES' ? 'file' : null
  }
}

/** What every script may see: where things are, how to speak, and how to reach the cluster. */
const defaultNames =
  'PATH HOME USER LANG LC_* TZ TMPDIR KUBECONFIG KUBECTL_BIN KUBERNETES_* HELM_* INGRESS_HOST_KEY DEFAULTS OCTOPOD_*'
/** What no script may see, even if somebody lists it: with these a script could be anybody. */
const forbiddenNames = ['DATABASE_URL', 'REDIS_URL', 'POWER_AUTHORIZATION_HEADER', 'APP_AUTHORIZATION_HEADER']

/** `extra`: further names, separated by commas; `PREFIX_*` stands for all that begin so. */
export function scriptEnvironment(
  environment: Readonly<Record<string, string | undefined>>,
  extraNames = '',
): Record<string, string> {
  const names = `${defaultNames} ${extraNames}`.split(/[\s,]+/).filter(Boolean)
  const exactNames = new Set(names.filter((name) => !name.endsWith('*')))
  const prefixes = names.filter((name) => name.endsWith('*')).map((name) => name.slice(0, -1))
  const result: Record<string, string> = {}
  for (const [name, value] of Object.entries(environment)) {
    if (value === undefined || forbiddenNames.includes(name)) continue
    if (exactNames.has(name) || prefixes.some((prefix) => name.startsWith(prefix))) result[name] = value
  }
  return result
}
