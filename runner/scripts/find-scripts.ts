/** Finds the control scripts at the start of a runner (open-runner.ts) and for the linter of control scripts. */
import { accessSync, constants, statSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { type ScriptName, scriptNames, scripts } from '../../domain/script.ts'
import { defaultManifest, type Manifest, type ParsedManifest } from '../../domain/scripts/manifest.ts'
import { SettingsError } from '../../domain/settings/read-settings.ts'
import type { RunnerSettings } from '../../domain/settings.ts'
import { readManifest } from './read-manifest.ts'

export type ControlScripts = {
  /** The absolute path; null only for an optional script that does not exist. */
  path(name: ScriptName): string | null
  manifest: Manifest
}

type ScriptSettings = Partial<
  Pick<RunnerSettings, 'CONTROL_SCRIPTS_DIR' | (typeof scripts)[ScriptName]['setting']>
>

/** Throws one SettingsError that names every problem, also of the manifest. */
export function findScripts(settings: RunnerSettings): ControlScripts {
  const { errors, path, manifest } = locateScripts(settings)
  if (errors.length > 0) throw new SettingsError(`Control scripts: ${errors.join('\n')}`)
  return { path, manifest }
}

/**
 * The path of a script: the setting of its own, else the file in CONTROL_SCRIPTS_DIR with its name, else the file
 * with the name that the published script images use.
 */
export function locateScripts(
  settings: ScriptSettings,
): ControlScripts & { errors: string[]; unknownManifestKeys: string[] } {
  const paths = new Map<ScriptName, string>()
  const errors: string[] = []

  // First: the folder.
  const folder = settings.CONTROL_SCRIPTS_DIR
  const unsetNames = scriptNames.filter((name) => !scripts[name].optional && !settings[scripts[name].setting])
  if (folder !== undefined && fileKind(folder) !== 'folder')
    errors.push(`CONTROL_SCRIPTS_DIR is ${folder}, which is not a folder`)
  if (folder === undefined && unsetNames.length > 0)
    errors.push(
      `CONTROL_SCRIPTS_DIR is not set: set it to the folder with all control scripts, or set ${unsetNames.map((name) => scripts[name].setting).join(', ')}`,
    )
  const hasNoFolder = errors.length > 0
  const read = folder === undefined || hasNoFolder ? withoutManifest : readManifest(folder)
  if ('error' in read) errors.push(read.error)
  const { manifest, unknownKeys } = 'error' in read ? withoutManifest : read

  // Then: each script. It must exist and be executable.
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
        `the ${name} script is not an executable file: ${path} (${kind === 'folder' ? 'it is a folder' : 'make it executable with chmod +x'})`,
      )
    else if (configuredPath) errors.push(`the ${name} script does not exist: ${configuredPath} (${setting})`)
    else if (!optional)
      errors.push(`the ${name} script does not exist: ${[...new Set(candidates)].join(' or ')}`)
  }

  return { errors, manifest, unknownManifestKeys: unknownKeys, path: (name) => paths.get(name) ?? null }
}

const withoutManifest: ParsedManifest = { manifest: defaultManifest, unknownKeys: [] }

function fileKind(path: string): 'folder' | 'executable' | 'file' | null {
  try {
    if (statSync(path).isDirectory()) return 'folder'
    accessSync(path, constants.X_OK)
    return 'executable'
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EACCES' ? 'file' : null
  }
}
