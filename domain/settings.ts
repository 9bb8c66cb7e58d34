/**
 * Every setting, read from the environment: its name, meaning, default and who reads it. Contract §3 for the
 * names of Octopod 1.6. docs/settings.md lists them; a test compares.
 */
import { z } from 'zod'
import { scripts } from './script.ts'

type Setting = { about: string; parse: z.ZodType; for: readonly ('server' | 'runner' | 'migrate')[] }

const text = z.string()
const optionalText = z.string().optional()
const count = (least: number, standard: number) =>
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
const timer = (standard: number) => seconds(standard, 2_000_000)

const both = ['server', 'runner'] as const
const all = ['server', 'runner', 'migrate'] as const

export const settings = {
  DATABASE_URL: {
    about: 'PostgreSQL, e.g. postgres://user:password@host:5432/octopod (?sslmode=require)',
    parse: text,
    for: all,
  },
  REDIS_URL: { about: 'Redis, e.g. redis://:password@host:6379/0 (rediss: for TLS)', parse: text, for: both },
  REDIS_PREFIX: {
    about: 'Put before every key and channel in Redis: several installations can share one',
    parse: text.regex(/^[\w.-]+$/, 'may hold only letters, digits, _ . -').default('octopod'),
    for: both,
  },
  PROJECT_NAME: {
    about: 'Name of the project, shown to people and given to scripts',
    parse: text.default('octopod'),
    for: both,
  },
  BASE_DOMAIN: {
    about: 'Domain below which deployments live; given to scripts',
    parse: text.default('localhost'),
    for: ['runner'],
  },
  NAMESPACE: {
    about: 'Namespace of the deployments; given to scripts',
    parse: text.default('default'),
    for: ['runner'],
  },
  PORT: { about: 'Port the server listens on', parse: count(0, 8080), for: ['server'] },
  METRICS_PORT: {
    about: 'Port on which a server tells Prometheus its metrics, at /metrics; not set: nowhere',
    parse: z.coerce.number('must be a number').int('must be a whole number').min(0).max(65535).optional(),
    for: ['server'],
  },
  HOST: { about: 'Address the server listens on', parse: text.default('0.0.0.0'), for: ['server'] },
  POWER_AUTHORIZATION_HEADER: {
    about: 'The Authorization header that gives the role admin; without it nobody is admin',
    parse: optionalText,
    for: ['server'],
  },
  APP_AUTHORIZATION_HEADER: {
    about:
      'The Authorization header that gives the role user; without it everybody who reaches the server is user',
    parse: optionalText,
    for: ['server'],
  },
  ACTOR_HEADER: {
    about:
      'Header in which a trusted proxy tells who asks, e.g. X-Forwarded-User; only set it behind such a proxy',
    parse: optionalText,
    for: ['server'],
  },
  APP_URL: {
    about:
      'Address under which people open the page, e.g. https://octopod.example.com; several separated by commas. Default: whatever Host they used',
    parse: text.default('').transform((value) =>
      value
        .split(',')
        .map((part) => part.trim().replace(/\/+$/, ''))
        .filter(Boolean),
    ),
    for: ['server'],
  },
  KUBERNETES_DASHBOARD_URL_TEMPLATE: {
    about: 'Address of a dashboard; the name of the deployment is appended',
    parse: optionalText,
    for: ['server'],
  },
  GIT_REVISION: { about: 'What /api/v1/ping answers', parse: text.default('unknown'), for: ['server'] },
  DATABASE_POOL_SIZE: {
    about: 'Connections to PostgreSQL a process may hold',
    parse: count(2, 10),
    for: both,
  },
  CONTROL_SCRIPTS_DIR: { about: 'Folder with all control scripts', parse: optionalText, for: ['runner'] },
  ...(Object.fromEntries(
    Object.entries(scripts).map(([name, { setting }]) => [
      setting,
      {
        about: `Path of the ${name} script, instead of the one in CONTROL_SCRIPTS_DIR`,
        parse: optionalText,
        for: ['runner'],
      },
    ]),
  ) as unknown as Record<
    (typeof scripts)[keyof typeof scripts]['setting'],
    { about: string; parse: typeof optionalText; for: ['runner'] }
  >),
  CONTROL_SCRIPT_TIMEOUT: { about: 'Seconds a script may run', parse: timer(1800), for: ['runner'] },
  KILL_GRACE: {
    about: 'Seconds between TERM and KILL for a script that must end',
    parse: timer(5),
    for: ['runner'],
  },
  STATUS_UPDATE_TIMEOUT: {
    about: 'Seconds a deployment may stay pending with a failing check before it counts as failed',
    parse: seconds(600),
    for: ['runner'],
  },
  CHECK_INTERVAL: {
    about: 'Seconds between two checks of a deployment',
    parse: seconds(15),
    for: ['runner'],
  },
  CHECK_TIMEOUT: {
    about: 'Seconds one check, config script, config_check, info or notification may run',
    parse: timer(60),
    for: ['runner'],
  },
  ARCHIVE_RETENTION: {
    about: 'Seconds after which an archived deployment is cleaned up by itself; 0 keeps it for ever',
    parse: seconds(1209600),
    for: ['runner'],
  },
  CACHE_UPDATE_TIME: {
    about: 'Seconds an answer of a config script is fresh',
    parse: seconds(600),
    for: both,
  },
  CACHE_INVALIDATION_TIME: {
    about: 'Seconds after which a cached answer of a config script is dropped',
    parse: seconds(86400),
    for: both,
  },
  QUESTION_TIMEOUT: {
    about: 'Seconds a user waits for a script before the answer is 504',
    parse: timer(10),
    for: ['server'],
  },
  ACTION_CONCURRENCY: { about: 'Actions one runner performs at once', parse: count(1, 32), for: ['runner'] },
  QUESTION_CONCURRENCY: {
    about: 'Questions one runner answers at once',
    parse: count(1, 8),
    for: ['runner'],
  },
  CHECK_CONCURRENCY: { about: 'Checks one runner makes at once', parse: count(1, 16), for: ['runner'] },
  LEASE: {
    about: 'Seconds after which a silent runner loses its actions',
    parse: timer(20),
    for: ['runner'],
  },
  PID_NAMESPACE: {
    about:
      'PID namespace of scripts: shared, or own (nothing that a script started outlives it; needs a host that allows it)',
    // Not on and off: to YAML those are no words.
    parse: z.enum(['shared', 'own']).default('shared'),
    for: ['runner'],
  },
  OUTPUT_LIMIT: {
    about: 'Bytes of output kept of one action; the rest is counted and dropped',
    parse: count(1024, 64 * 1024 * 1024),
    for: ['runner'],
  },
  SECRET_KEYS: {
    about: 'Regular expression: values of config keys that match are masked in output',
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
    for: ['runner'],
  },
  SCRIPT_ENVIRONMENT: {
    about:
      'Names of further variables that scripts may see, separated by commas; PREFIX_* stands for all that begin so',
    parse: text.default(''),
    for: ['runner'],
  },
  INTERRUPTED_ACTIONS: {
    about:
      'What becomes of an action whose runner was lost or had to end it: fail, or retry as a second visible attempt',
    parse: z.enum(['fail', 'retry']).default('fail'),
    for: ['runner'],
  },
  HEARTBEAT_FILE: {
    about:
      'File that a runner touches every 5 seconds from when it is ready until it ends: for probes (runner/alive.sh)',
    parse: optionalText,
    for: ['runner'],
  },
  SHUTDOWN_GRACE: {
    about: 'Seconds a process gives running work after SIGTERM',
    parse: timer(60),
    for: both,
  },
  SHUTDOWN_DELAY: {
    about: 'Seconds a server goes on as before after SIGTERM, while /readyz already says 503',
    parse: timer(0),
    for: ['server'],
  },
  LOG_LEVEL: {
    about: 'trace, debug, info, warn, error or silent',
    parse: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'silent']).default('info'),
    for: all,
  },
} as const satisfies Record<string, Setting>

type Settings = typeof settings
export type SettingName = keyof Settings
type For<Who extends string> = {
  [Name in SettingName as Who extends Settings[Name]['for'][number] ? Name : never]: z.output<
    Settings[Name]['parse']
  >
}
export type ServerSettings = For<'server'>
export type RunnerSettings = For<'runner'>
export type MigrateSettings = For<'migrate'>

export class SettingsError extends Error {
  override name = 'SettingsError'
}

/** Reads what `who` needs; an empty value counts as unset. Throws one SettingsError that names every problem. */
export function readSettings<Who extends 'server' | 'runner' | 'migrate'>(
  who: Who,
  environment: Record<string, string | undefined>,
): For<Who> {
  const values: Record<string, unknown> = {}
  const problems: string[] = []
  for (const [name, setting] of Object.entries<Setting>(settings)) {
    if (!setting.for.includes(who)) continue
    const result = setting.parse.safeParse(environment[name] || undefined)
    if (result.success) values[name] = result.data
    else if (environment[name])
      problems.push(`${name} ${result.error.issues.map((issue) => issue.message).join(', ')}`)
    else problems.push(`${name} is not set: ${setting.about}`)
  }
  if (problems.length === 0) problems.push(...contradictions(values))
  if (problems.length > 0) throw new SettingsError(problems.join('\n'))
  return values as For<Who>
}

/** Law 5: a script that is ended halfway through a lease that cannot be renewed is dead before the lease is over. */
function* contradictions({ LEASE, KILL_GRACE }: Record<string, unknown>): Generator<string> {
  if (typeof LEASE === 'number' && LEASE <= 2 * Number(KILL_GRACE))
    yield `LEASE must be more than twice KILL_GRACE (now ${LEASE / 1000} and ${Number(KILL_GRACE) / 1000} seconds)`
}
