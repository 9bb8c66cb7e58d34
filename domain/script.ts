/**
 * The control scripts: their names, settings and exact arguments (contract §3). Called by the runner, which starts
 * them, and by the linter.
 */
import type { ByLevel, KeyValue } from './overrides.ts'
import type { Manifest } from './scripts/manifest.ts'
import { type Status, statusTable } from './statuses.ts'

type ScriptRow = {
  /** The setting with its path. */
  setting: string
  /** Its file name in the published script images, where that differs. */
  alias: string | null
  /** Without a required script a runner does not start. */
  optional: boolean
  /** Whether `one_pipe` of the manifest applies: the output is text for people. Of the others, stdout is an answer. */
  onePipe: boolean
}

export const scripts = {
  init: { setting: 'INIT_COMMAND', alias: null, optional: true, onePipe: false },
  create: { setting: 'CREATION_COMMAND', alias: null, optional: false, onePipe: true },
  update: { setting: 'UPDATE_COMMAND', alias: null, optional: false, onePipe: true },
  archive: { setting: 'ARCHIVE_COMMAND', alias: null, optional: false, onePipe: true },
  unarchive: { setting: 'UNARCHIVE_COMMAND', alias: null, optional: false, onePipe: true },
  check: { setting: 'CHECKING_COMMAND', alias: null, optional: false, onePipe: true },
  archive_check: { setting: 'ARCHIVE_CHECKING_COMMAND', alias: null, optional: false, onePipe: true },
  cleanup: { setting: 'CLEANUP_COMMAND', alias: null, optional: false, onePipe: true },
  config_check: { setting: 'CONFIG_CHECKING_COMMAND', alias: null, optional: false, onePipe: false },
  info: { setting: 'INFO_COMMAND', alias: null, optional: false, onePipe: false },
  app_logs: { setting: 'APP_LOGS_COMMAND', alias: null, optional: true, onePipe: false },
  notifications: { setting: 'NOTIFICATION_COMMAND', alias: null, optional: true, onePipe: false },
  deployment_config: {
    setting: 'DEPLOYMENT_CONFIG_COMMAND',
    alias: 'deployment_overrides',
    optional: false,
    onePipe: false,
  },
  deployment_config_keys: {
    setting: 'DEPLOYMENT_KEYS_COMMAND',
    alias: 'deployment_keys',
    optional: false,
    onePipe: false,
  },
  application_config: {
    setting: 'APPLICATION_CONFIG_COMMAND',
    alias: 'app_overrides',
    optional: false,
    onePipe: false,
  },
  application_config_keys: {
    setting: 'APPLICATION_KEYS_COMMAND',
    alias: 'app_keys',
    optional: false,
    onePipe: false,
  },
} as const satisfies Record<string, ScriptRow>

export type ScriptName = keyof typeof scripts
export const scriptNames = Object.keys(scripts) as ScriptName[]

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

/** The arguments of create, update, archive, unarchive, check, archive_check, cleanup, config_check, info and app_logs. */
export function lifecycleArguments(project: Project, name: string, config: EffectiveConfig): string[] {
  return [
    ...projectArguments(project),
    '--name',
    name,
    ...config.application.flatMap(([key, value]) => ['--application-config', `${key}=${value}`]),
    ...config.deployment.flatMap(([key, value]) => ['--deployment-config', `${key}=${value}`]),
  ]
}

/** True for the scripts of the application level, whose answer depends on the deployment config. */
export const receivesConfig = (script: ConfigScript): boolean => script.startsWith('application_config')

/** The arguments of the four config scripts. Only those of the application level receive the deployment config. */
export function configArguments(
  script: ConfigScript,
  project: Project,
  deployment: readonly KeyValue[],
): string[] {
  return [
    ...projectArguments(project),
    ...(receivesConfig(script)
      ? deployment.flatMap(([key, value]) => ['--deployment-config', `${key}=${value}`])
      : []),
  ]
}

/** What a script is started with. `configFile`: the config for its file; null when its arguments contain all of it. */
export type ScriptInput = { args: string[]; configFile: EffectiveConfig | null }

/** The input of create, update, archive, unarchive, check, archive_check, cleanup, config_check and info. */
export function lifecycleInput(
  { config: place }: Pick<Manifest, 'config'>,
  project: Project,
  name: string,
  config: EffectiveConfig,
): ScriptInput {
  return place === 'argv'
    ? { args: lifecycleArguments(project, name, config), configFile: null }
    : { args: lifecycleArguments(project, name, { application: [], deployment: [] }), configFile: config }
}

/** What app_logs receives after its other arguments. */
export const appLogArguments = (tail: number, follow: boolean): string[] => [
  '--tail',
  String(tail),
  ...(follow ? ['--follow'] : []),
]

/** The input of the four config scripts. Those of the deployment level receive no config, so they get no file either. */
export function configInput(
  { config: place }: Pick<Manifest, 'config'>,
  script: ConfigScript,
  project: Project,
  deployment: readonly KeyValue[],
): ScriptInput {
  return place === 'argv' || !receivesConfig(script)
    ? { args: configArguments(script, project, deployment), configFile: null }
    : { args: configArguments(script, project, []), configFile: { application: [], deployment } }
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
