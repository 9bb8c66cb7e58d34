import type { ByLevel, ConfigLevel } from '../../domain/overrides.ts'

/** Names of the config levels in files and in the output of octo, as in `--set-app-config`. */
export const levelNames = { application: 'app', deployment: 'deployment' } as const satisfies ByLevel<string>
export type LevelName = (typeof levelNames)[ConfigLevel]

/** Null for an unknown name. */
export function levelFromName(name: string): ConfigLevel | null {
  if (name === levelNames.application) return 'application'
  return name === levelNames.deployment ? 'deployment' : null
}
