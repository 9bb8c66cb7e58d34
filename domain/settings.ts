/**
 * Every setting, read from the environment: its name, meaning, default and who reads it. Contract §3 for the
 * names of Octopod 1.6. docs/settings.md lists them; a test compares.
 */
import { z } from 'zod'
import { scripts } from './script.ts'

type Setting = {
  description: string
  parse: z.ZodType
  programs: readonly ('server' | 'runner' | 'migrate')[]
}

const text = z.string()
const optionalText = z.string().optional()
const integer = (least: number, standard: number) =>
  z.coerce.number('must be a number').int('must be a whole number').min(least).default(standard)
/** Seconds in the environment, milliseconds inside. */
const seconds = (standard: number, most = 10 ** 9) =>
  z.coerce
    .number('must be a number of seconds')
    .min(0)
    .max(most, `must be at most ${most} seconds`)
    .default(standard)
    .transform((value) => value * 1000)
/** Those that become a timer: Node fires one of more than 2^31 ms (24 days) at once. */
const timerSeconds = (standard: number) => seconds(standard, 2_000_000)

const serverAndRunner = ['server', 'runner'] as const
const allPrograms = ['server', 'runner', 'migrate'] as const

export const settings = {
  DATABASE_URL: {
    description: 'PostgreSQL, e.g. postgres://user:password@host:5432/octopod (?sslmode=require)',
    parse: text,
    programs: allPrograms,
  },
  REDIS_URL: {
    description: 'Redis, e.g. redis://:password@host:6379/0 (rediss: for TLS)',
    parse: text,
    programs: serverAndRunner,
  },
  REDIS_PREFIX: {
    description: 'Put before every key and channel in Redis: several installations can share one',
    parse: text.regex(/^[\w.-]+$/, 'may hold only letters, digits, _ . -').default('octopod'),
    programs: serverAndRunner,
  },
  PROJECT_NAME: {
    description: 'Name of the project, shown to people and given to scripts',
    parse: text.default('octopod'),
    programs: serverAndRunner,
  },
  BASE_DOMAIN: {
    description: 'Domain below which deployments live; given to scripts',
    parse: text.default('localhost'),
    programs: ['runner'],
  },
  NAMESPACE: {
    description: 'Namespace of the deployments; given to scripts',
    parse: text.default('default'),
    programs: ['runner'],
  },
  PORT: { description: 'Port the server listens on', parse: integer(0, 8080), programs: ['server'] },
  METRICS_PORT: {
    description: 'Port on which a server tells Prometheus its metrics, at /metrics; not set: nowhere',
    parse: z.coerce.number('must be a number').int('must be a whole number').min(0).max(65535).optional(),
    programs: ['server'],
  },
  HOST: {
    description: 'Address the server listens on',
    parse: text.default('0.0.0.0'),
    programs: ['server'],
  },
  POWER_AUTHORIZATION_HEADER: {
    description: 'The Authorization header that gives the role admin; without it nobody is admin',
    parse: optionalText,
    programs: ['server'],
  },
  APP_AUTHORIZATION_HEADER: {
    description:
      'The Authorization header that gives the role user; without it everybody who reaches the server is user',
    parse: optionalText,
    programs: ['server'],
  },
  ACTOR_HEADER: {
    description:
      'Header in which a trusted proxy tells who asks, e.g. X-Forwarded-User; only set it behind such a proxy',
    parse: optionalText,
    programs: ['server'],
  },
  APP_URL: {
    description:
      'Address under which people open the page, e.g. https://octopod.example.com; several separated by commas. Default: whatever Host they used',
    parse: text.default('').transform((value) =>
      value
        .split(',')
        .map((part) => part.trim().replace(/\/+$/, ''))
        .filter(Boolean),
    ),
    programs: ['server'],
  },
  KUBERNETES_DASHBOARD_URL_TEMPLATE: {
    description: 'Address of a dashboard; the name of the deployment is appended',
    parse: optionalText,
    programs: ['server'],
  },
  GIT_REVISION: {
    description: 'What /api/v1/ping answers',
    parse: text.default('unknown'),
    programs: ['server'],
  },
  DATABASE_POOL_SIZE: {
    description: 'Connections to PostgreSQL a process may hold',
    parse: integer(2, 10),
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
    description: 'Seconds a script may run',
    parse: timerSeconds(1800),
    programs: ['runner'],
  },
  KILL_GRACE: {
    description: 'Seconds between TERM and KILL for a script that must end',
    parse: timerSeconds(5),
    programs: ['runner'],
  },
  STATUS_UPDATE_TIMEOUT: {
    description: 'Seconds a deployment may stay pending with a failing check before it counts as failed',
    parse: seconds(600),
    programs: ['runner'],
  },
  CHECK_INTERVAL: {
    description: 'Seconds between two checks of a deployment',
    parse: seconds(15),
    programs: ['runner'],
  },
  CHECK_TIMEOUT: {
    description: 'Seconds one check, config script, config_check, info or notification may run',
    parse: timerSeconds(60),
    programs: ['runner'],
  },
  ARCHIVE_RETENTION: {
    description: 'Seconds after which an archived deployment is cleaned up by itself; 0 keeps it for ever',
    parse: seconds(1209600),
    programs: ['runner'],
  },
  CACHE_UPDATE_TIME: {
    description: 'Seconds an answer of a config script is fresh',
    parse: seconds(600),
    programs: serverAndRunner,
  },
  CACHE_INVALIDATION_TIME: {
    description: 'Seconds after which a cached answer of a config script is dropped',
    parse: seconds(86400),
    programs: serverAndRunner,
  },
  SCRIPT_QUERY_TIMEOUT: {
    description: 'Seconds a user waits for a script before the answer is 504',
    parse: timerSeconds(10),
    programs: ['server'],
  },
  ACTION_CONCURRENCY: {
    description: 'Actions one runner performs at once',
    parse: integer(1, 32),
    programs: ['runner'],
  },
  SCRIPT_QUERY_CONCURRENCY: {
    description: 'Questions one runner answers at once',
    parse: integer(1, 8),
    programs: ['runner'],
  },
  CHECK_CONCURRENCY: {
    description: 'Checks one runner makes at once',
    parse: integer(1, 16),
    programs: ['runner'],
  },
  LEASE: {
    description: 'Seconds after which a silent runner loses its actions',
    parse: timerSeconds(20),
    programs: ['runner'],
  },
  PID_NAMESPACE: {
    description:
      'PID namespace of scripts: shared, or own (nothing that a script started outlives it; needs a host that allows it)',
    // Not on and off: to YAML those are no words.
    parse: z.enum(['shared', 'own']).default('shared'),
    programs: ['runner'],
  },
  OUTPUT_LIMIT: {
    description: 'Bytes of output kept of one action; the rest is counted and dropped',
    parse: integer(1024, 64 * 1024 * 1024),
    programs: ['runner'],
  },
  SECRET_KEYS: {
    description: 'Regular expression: values of config keys that match are masked in output',
    parse: text
      .default('(password|passwd|pass|secret|token|credential|private_?key)$')
      .transform((source, context) => {
        try {
          return new RegExp(source, 'i')
        } catch {
          context.addIssue({ code: 'custom', message: 'is not a regular expression' })
          return z.NEVER
        }
      }),
    programs: ['runner'],
  },
  SCRIPT_ENVIRONMENT: {
    description:
      'Names of further variables that scripts may see, separated by commas; PREFIX_* stands for all that begin so',
    parse: text.default(''),
    programs: ['runner'],
  },
  INTERRUPTED_ACTIONS: {
    description:
      'What becomes of an action whose runner was lost or had to end it: fail, or retry as a second visible attempt',
    parse: z.enum(['fail', 'retry']).default('fail'),
    programs: ['runner'],
  },
  HEARTBEAT_FILE: {
    description:
      'File that a runner touches every 5 seconds from when it is ready until it ends: for probes (runner/liveness-probe.sh)',
    parse: optionalText,
    programs: ['runner'],
  },
  SHUTDOWN_GRACE: {
    description: 'Seconds a process gives running work after SIGTERM',
    parse: timerSeconds(60),
    programs: serverAndRunner,
  },
  SHUTDOWN_DELAY: {
    description: 'Seconds a server goes on as before after SIGTERM, while /readyz already says 503',
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
type SettingsFor<Who extends string> = {
  [Name in SettingName as Who extends Settings[Name]['programs'][number] ? Name : never]: z.output<
    Settings[Name]['parse']
  >
}
export type ServerSettings = SettingsFor<'server'>
export type RunnerSettings = SettingsFor<'runner'>
export type MigrateSettings = SettingsFor<'migrate'>

export class SettingsError extends Error {
  override name = 'SettingsError'
}

/** Reads what `who` needs; an empty value counts as unset. Throws one SettingsError that names every problem. */
export function readSettings<Who extends 'server' | 'runner' | 'migrate'>(
  program: Who,
  environment: Record<string, string | undefined>,
): SettingsFor<Who> {
  const values: Record<string, unknown> = {}
  const problems: string[] = []
  for (const [name, setting] of Object.entries<Setting>(settings)) {
    if (!setting.programs.includes(program)) continue
    const result = setting.parse.safeParse(environment[name] || undefined)
    if (result.success) values[name] = result.data
    else if (environment[name])
      problems.push(`${name} ${result.error.issues.map((issue) => issue.message).join(', ')}`)
    else problems.push(`${name} is not set: ${setting.description}`)
  }
  if (problems.length === 0) problems.push(...inconsistencies(values))
  if (problems.length > 0) throw new SettingsError(problems.join('\n'))
  return values as SettingsFor<Who>
}

/** Law 5: a script that is ended halfway through a lease that cannot be renewed is dead before the lease is over. */
function* inconsistencies({ LEASE, KILL_GRACE }: Record<string, unknown>): Generator<string> {
  if (typeof LEASE === 'number' && LEASE <= 2 * Number(KILL_GRACE))
    yield `LEASE must be more than twice KILL_GRACE (now ${LEASE / 1000} and ${Number(KILL_GRACE) / 1000} seconds)`
}
