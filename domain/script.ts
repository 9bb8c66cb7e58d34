/**
 * The control scripts: their names, settings and exact arguments (contract §3). Called by the runner, which starts
 * them, and by the linter.
 */
import type { ByLevel, KeyValue } from './overrides.ts'
import { type Status, statusTable } from './statuses.ts'

/** Name → the setting with its path, and its file name in the published script images where that differs. */
export const scripts = {
  init: { setting: 'INIT_COMMAND', alias: null, optional: true },
  create: { setting: 'CREATION_COMMAND', alias: null, optional: false },
  update: { setting: 'UPDATE_COMMAND', alias: null, optional: false },
  archive: { setting: 'ARCHIVE_COMMAND', alias: null, optional: false },
  unarchive: { setting: 'UNARCHIVE_COMMAND', alias: null, optional: false },
  check: { setting: 'CHECKING_COMMAND', alias: null, optional: false },
  archive_check: { setting: 'ARCHIVE_CHECKING_COMMAND', alias: null, optional: false },
  cleanup: { setting: 'CLEANUP_COMMAND', alias: null, optional: false },
  config_check: { setting: 'CONFIG_CHECKING_COMMAND', alias: null, optional: false },
  info: { setting: 'INFO_COMMAND', alias: null, optional: false },
  notifications: { setting: 'NOTIFICATION_COMMAND', alias: null, optional: true },
  deployment_config: { setting: 'DEPLOYMENT_CONFIG_COMMAND', alias: 'deployment_overrides', optional: false },
  deployment_config_keys: { setting: 'DEPLOYMENT_KEYS_COMMAND', alias: 'deployment_keys', optional: false },
  application_config: { setting: 'APPLICATION_CONFIG_COMMAND', alias: 'app_overrides', optional: false },
  application_config_keys: { setting: 'APPLICATION_KEYS_COMMAND', alias: 'app_keys', optional: false },
} as const satisfies Record<string, { setting: string; alias: string | null; optional: boolean }>

export type ScriptName = keyof typeof scripts
export const scriptNames = Object.keys(scripts) as ScriptName[]

/** The scripts whose whole output is text for people. Of the others, stdout alone is an answer. */
export const printingScripts: readonly ScriptName[] = [
  'create',
  'update',
  'archive',
  'unarchive',
  'cleanup',
  'check',
  'archive_check',
]

/** The scripts whose output is cached, for each set of arguments. */
export const configScripts = [
  'deployment_config',
  'deployment_config_keys',
  'application_config',
  'application_config_keys',
] as const satisfies ScriptName[]
export type ConfigScript = (typeof configScripts)[number]

export type Project = { projectName: string; baseDomain: string; namespace: string }
export type EffectiveConfig = ByLevel<readonly KeyValue[]>

function projectArguments(project: Project): string[] {
  return [
    '--project-name',
    project.projectName,
    '--base-domain',
    project.baseDomain,
    '--namespace',
    project.namespace,
  ]
}

/** The arguments of create, update, archive, unarchive, check, archive_check, cleanup, config_check and info. */
export function lifecycleArguments(project: Project, name: string, config: EffectiveConfig): string[] {
  return [
    ...projectArguments(project),
    '--name',
    name,
    ...config.application.flatMap(([key, value]) => ['--application-config', `${key}=${value}`]),
    ...config.deployment.flatMap(([key, value]) => ['--deployment-config', `${key}=${value}`]),
  ]
}

/** The arguments of the four config scripts. Only those of the application level receive the deployment config. */
export function configArguments(
  script: ConfigScript,
  project: Project,
  deployment: readonly KeyValue[],
): string[] {
  const level = script === 'application_config' || script === 'application_config_keys'
  return [
    ...projectArguments(project),
    ...(level ? deployment.flatMap(([key, value]) => ['--deployment-config', `${key}=${value}`]) : []),
  ]
}

/** A script of Octopod 1.6 knows only the statuses of 1.6. */
export function notificationArguments(
  project: Project,
  name: string,
  oldStatus: Status,
  newStatus: Status,
): string[] {
  return [
    ...projectArguments(project),
    '--name',
    name,
    '--old-status',
    statusTable[oldStatus].legacyStatus,
    '--new-status',
    statusTable[newStatus].legacyStatus,
  ]
}
