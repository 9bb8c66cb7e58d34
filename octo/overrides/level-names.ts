import type { ByLevel, ConfigLevel } from '../../domain/overrides.ts'

/** The config levels as octo prints and reads them: like the options `--set-app-config` and `--set-deployment-config`. */
export const levelNames = { application: 'app', deployment: 'deployment' } as const satisfies ByLevel<string>

/** Null: not the name of a level. */
export function levelFromName(name: string): ConfigLevel | null {
  if (name === levelNames.application) return 'application'
  return name === levelNames.deployment ? 'deployment' : null
}
