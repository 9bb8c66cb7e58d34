/**
 * The settings, which all come from environment variables: name, meaning, default, and the programs that read each one.
 * Called by server, runner and migrate when they start. docs/settings.md documents them.
 */
import { z } from 'zod'
import { defaultNameMaxLength, longestNameLength } from './deployment-name.ts'
import { maxConfigCheckSeconds } from './endpoints.ts'
import { scripts } from './script.ts'
import { defaultSecretKeys } from './secrets/secret-values.ts'
import { accessSettings } from './settings/access.ts'
import { notificationSettings } from './settings/notifications.ts'
import { storeSettings } from './settings/stores.ts'
import {
  allPrograms,
  count,
  integer,
  optionalText,
  type Program,
  port,
  type Setting,
  seconds,
  serverAndRunner,
  text,
  timerSeconds,
} from './settings/values.ts'

export const settings = {
  ...storeSettings,
  PROJECT_NAME: {
    description: 'Name of the project; users see it, scripts receive it',
    parse: text.default('octopod'),
    programs: serverAndRunner,
  },
  BASE_DOMAIN: {
    description: 'Parent domain of all deployments; scripts receive it',
    parse: text.default('localhost'),
    programs: ['runner'],
  },
  NAMESPACE: {
    description: 'Namespace of the deployments; scripts receive it',
    parse: text.default('default'),
    programs: ['runner'],
  },
  NAME_MAX_LENGTH: {
    description:
      'Longest name of a new deployment, 2 to 53; with what the scripts put before or after it, a name may have 63 characters',
    parse: integer(2, defaultNameMaxLength, longestNameLength),
    programs: ['server'],
  },
  PORT: { description: 'Port to listen on', parse: port.default(8080), programs: ['server'] },
  METRICS_PORT: {
    description: 'Port on which metrics for Prometheus are served at /metrics; not set: no metrics',
    parse: port.optional(),
    programs: ['server'],
  },
  HOST: {
    description: 'Address to listen on',
    parse: text.default('0.0.0.0'),
    programs: ['server'],
  },
  ...accessSettings,
  KUBERNETES_DASHBOARD_URL_TEMPLATE: {
    description: 'Address of a dashboard; the page appends the name of the deployment',
    parse: optionalText,
    programs: ['server'],
  },
  GIT_REVISION: {
    description: 'The answer of /api/v1/ping, and the version that octo doctor shows',
    parse: text.default('unknown'),
    programs: serverAndRunner,
  },
  CONTROL_SCRIPTS_DIR: {
    description: 'Folder with all control scripts',
    parse: optionalText,
    programs: ['runner'],
  },
  ...(Object.fromEntries(
    Object.entries(scripts).map(([name, { setting }]) => [
      setting,
      {
        description: `Path of the ${name} script, instead of the one in CONTROL_SCRIPTS_DIR`,
        parse: optionalText,
        programs: ['runner'],
      },
    ]),
  ) as unknown as Record<
    (typeof scripts)[keyof typeof scripts]['setting'],
    { description: string; parse: typeof optionalText; programs: ['runner'] }
  >),
  CONTROL_SCRIPT_TIMEOUT: {
    description: 'Time limit in seconds for the script of an action and for init',
    parse: timerSeconds(1800),
    programs: ['runner'],
  },
  KILL_GRACE: {
    description: 'Seconds between TERM and KILL when a script is ended',
    parse: timerSeconds(5),
    programs: ['runner'],
  },
  STATUS_UPDATE_TIMEOUT: {
    description: 'Seconds after which a pending deployment whose check fails gets the status failure',
    parse: seconds(600),
    programs: ['runner'],
  },
  CHECK_INTERVAL: {
    description: 'Seconds between two checks of a deployment',
    parse: seconds(15),
    programs: ['runner'],
  },
  CHECK_TIMEOUT: {
    description: 'Time limit in seconds for a check, a config script, info and notifications',
    parse: timerSeconds(60),
    programs: ['runner'],
  },
  ARCHIVE_RETENTION: {
    description: 'Seconds after which an archived deployment is cleaned up; 0 means never',
    parse: seconds(1209600),
    programs: ['runner'],
  },
  CACHE_UPDATE_TIME: {
    description: 'Seconds for which the output of a config script is fresh',
    parse: seconds(600),
    programs: serverAndRunner,
  },
  CACHE_INVALIDATION_TIME: {
    description: 'Seconds after which the cached output of a config script is deleted',
    parse: seconds(86400),
    programs: serverAndRunner,
  },
  SCRIPT_QUERY_TIMEOUT: {
    description:
      'Time limit in seconds for the scripts of a form: defaults, keys and check now; then the answer is 504',
    parse: timerSeconds(10),
    programs: ['server'],
  },
  CONFIG_CHECK_TIMEOUT: {
    description: `Time limit in seconds for config_check, at most ${maxConfigCheckSeconds}; then the answer is 504`,
    parse: seconds(60, maxConfigCheckSeconds),
    programs: serverAndRunner,
  },
  ACTION_CONCURRENCY: {
    description: 'Maximum number of actions per runner at a time',
    parse: count(1, 32),
    programs: ['runner'],
  },
  SCRIPT_QUERY_CONCURRENCY: {
    description: 'Maximum number of script queries per runner at a time, without config_check',
    parse: count(1, 8),
    programs: ['runner'],
  },
  CONFIG_CHECK_CONCURRENCY: {
    description: 'Maximum number of config_check queries per runner at a time',
    parse: count(1, 8),
    programs: ['runner'],
  },
  APP_LOGS_CONCURRENCY: {
    description: 'Maximum number of app_logs scripts per runner at a time',
    parse: count(1, 4),
    programs: ['runner'],
  },
  ...notificationSettings,
  CHECK_CONCURRENCY: {
    description: 'Maximum number of checks per runner at a time',
    parse: count(1, 16),
    programs: ['runner'],
  },
  LEASE: {
    description: 'Seconds after which a runner that does not renew its leases loses its actions',
    parse: timerSeconds(20),
    programs: ['runner'],
  },
  PID_NAMESPACE: {
    description:
      'PID namespace of scripts: shared, or own (no process of a script outlives it; the host must allow it)',
    // Not on and off, which YAML reads as booleans.
    parse: z.enum(['shared', 'own']).default('shared'),
    programs: ['runner'],
  },
  OUTPUT_LIMIT: {
    description: 'Maximum size of the stored output of an action, in bytes; the rest is counted and dropped',
    parse: integer(1024, 64 * 1024 * 1024),
    programs: ['runner'],
  },
  OUTPUT_RETENTION: {
    description: 'Seconds after which the output of an action is removed; 0 means never',
    parse: seconds(0),
    programs: serverAndRunner,
  },
  OUTPUT_DEPLOYMENT_LIMIT: {
    description: 'Maximum size of the output of a deployment in bytes; the oldest is removed; 0: no limit',
    parse: integer(0, 0),
    programs: serverAndRunner,
  },
  OUTPUT_TOTAL_LIMIT: {
    description: 'Maximum size of all output in bytes; the oldest is removed; 0: no limit',
    parse: integer(0, 0),
    programs: serverAndRunner,
  },
  ACTION_RETENTION: {
    description: 'Seconds after which an action is deleted with its output; 0 means never',
    parse: seconds(0),
    programs: serverAndRunner,
  },
  AUDIT_RETENTION: {
    description:
      'Seconds after which a month of the audit log is removed, at least a day (86400); 0 means never',
    parse: seconds(34_560_000).refine((ms) => ms === 0 || ms >= 86_400_000, 'is 0 or at least 86400'),
    programs: ['runner'],
  },
  ACTION_HISTORY_LIMIT: {
    description: 'Maximum number of actions of a deployment; the oldest are deleted; 0: no limit',
    parse: integer(0, 0, 2 ** 31 - 1),
    programs: serverAndRunner,
  },
  SECRET_KEYS: {
    description:
      'Regular expression; values of matching config keys are redacted in output and hidden from callers without the right see_secrets and in the audit log. It is compared with the key and with its words: for db.rootPassword with db.root_password',
    parse: text.default(defaultSecretKeys).transform((source, context) => {
      try {
        return new RegExp(source, 'i')
      } catch {
        context.addIssue({ code: 'custom', message: 'is not a regular expression' })
        return z.NEVER
      }
    }),
    programs: serverAndRunner,
  },
  SCRIPT_ENVIRONMENT: {
    description:
      'Names of more variables that scripts may see, separated by commas; PREFIX_* stands for all with that prefix',
    parse: text.default(''),
    programs: ['runner'],
  },
  INTERRUPTED_ACTIONS: {
    description:
      'What happens to an action whose runner was lost or had to end it: fail, or retry as a second, visible attempt',
    parse: z.enum(['fail', 'retry']).default('fail'),
    programs: ['runner'],
  },
  HEARTBEAT_FILE: {
    description:
      'File that a ready runner touches every 5 seconds, for liveness probes (runner/liveness-probe.sh)',
    parse: optionalText,
    programs: ['runner'],
  },
  SHUTDOWN_GRACE: {
    description: 'Seconds for running work after SIGTERM',
    parse: timerSeconds(60),
    programs: serverAndRunner,
  },
  SHUTDOWN_DELAY: {
    description: 'Seconds for which a server keeps working after SIGTERM while /readyz already returns 503',
    parse: timerSeconds(0),
    programs: ['server'],
  },
  LOG_LEVEL: {
    description: 'trace, debug, info, warn, error or silent',
    parse: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'silent']).default('info'),
    programs: allPrograms,
  },
} as const satisfies Record<string, Setting>

type Settings = typeof settings
export type SettingName = keyof Settings
export type SettingsFor<P extends Program> = {
  [Name in SettingName as P extends Settings[Name]['programs'][number] ? Name : never]: z.output<
    Settings[Name]['parse']
  >
}
export type ServerSettings = SettingsFor<'server'>
export type RunnerSettings = SettingsFor<'runner'>
