/**
 * Finds the control scripts this runner was given and makes the environment they see (contract §3).
 * Called once by main at the start; hands paths and environment to whoever runs a script.
 */
import { accessSync, constants, statSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { type ScriptName, scriptNames, scripts } from '../domain/script.ts'
import { type RunnerSettings, SettingsError } from '../domain/settings.ts'

export type Scripts = {
  /** The absolute path; null only for an optional script that is not there. */
  path(name: ScriptName): string | null
}

/** A script's own setting wins, else its file in CONTROL_SCRIPTS_DIR, else that under its other name.
 * Throws one SettingsError that names everything missing. */
export function findScripts(settings: RunnerSettings): Scripts {
  const folder = settings.CONTROL_SCRIPTS_DIR
  const problems: string[] = []
  if (folder !== undefined && kindOf(folder) !== 'folder')
    problems.push(`CONTROL_SCRIPTS_DIR is ${folder}, which is not a folder`)
  const paths = new Map<ScriptName, string>()
  const unset: string[] = []

  for (const name of scriptNames) {
    const { setting, alias, optional } = scripts[name]
    const own = settings[setting]
    if (own === undefined && folder === undefined) {
      if (!optional) unset.push(setting)
      continue
    }
    const candidates =
      own === undefined
        ? [name, alias].filter((file) => file !== null).map((file) => join(folder ?? '', file))
        : [own]
    const found = candidates.find((path) => kindOf(path) !== null)
    const where = own === undefined ? candidates.join(' or ') : `${own} (${setting})`
    if (found === undefined) {
      if (own !== undefined || (!optional && problems[0]?.startsWith('CONTROL_SCRIPTS_DIR') !== true))
        problems.push(`the ${name} script is not there: ${where}`)
    } else if (kindOf(found) !== 'executable') {
      problems.push(`the ${name} script is not an executable file: ${found} (chmod +x makes it one)`)
    } else paths.set(name, resolve(found))
  }

  if (unset.length > 0)
    problems.push(
      `CONTROL_SCRIPTS_DIR is not set: give it the folder with all control scripts, or give each path in ${unset.join(', ')}`,
    )
  if (problems.length > 0) throw new SettingsError(`Control scripts: ${problems.join('\n')}`)
  return { path: (name) => paths.get(name) ?? null }
}

function kindOf(path: string): 'folder' | 'executable' | 'file' | null {
  try {
    if (statSync(path).isDirectory()) return 'folder'
    accessSync(path, constants.X_OK)
    return 'executable'
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EACCES' ? 'file' : null
  }
}

/** What every script may see: where things are, how to speak, and how to reach the cluster. */
const allowed =
  'PATH HOME USER LANG LC_* TZ TMPDIR KUBECONFIG KUBERNETES_* HELM_* INGRESS_HOST_KEY DEFAULTS OCTOPOD_*'
/** What no script may see, even if somebody lists it: with these a script could be anybody. */
const secret = ['DATABASE_URL', 'REDIS_URL', 'POWER_AUTHORIZATION_HEADER', 'APP_AUTHORIZATION_HEADER']

/** `extra`: further names, separated by commas; `PREFIX_*` stands for all that begin so. */
export function scriptEnvironment(
  environment: Readonly<Record<string, string | undefined>>,
  extra = '',
): Record<string, string> {
  const names = `${allowed} ${extra}`.split(/[\s,]+/).filter(Boolean)
  const exact = new Set(names.filter((name) => !name.endsWith('*')))
  const prefixes = names.filter((name) => name.endsWith('*')).map((name) => name.slice(0, -1))
  const seen: Record<string, string> = {}
  for (const [name, value] of Object.entries(environment)) {
    if (value === undefined || secret.includes(name)) continue
    if (exact.has(name) || prefixes.some((prefix) => name.startsWith(prefix))) seen[name] = value
  }
  return seen
}
