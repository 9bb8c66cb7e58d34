/**
 * Every finding of the doctor: how bad it is, what it is about, and what to do. The server, octo and the page report findings with
 * these codes; docs/doctor.md explains each. Free of zod: the page loads it.
 */

export const subjects = [
  'connection',
  'servers',
  'runners',
  'postgresql',
  'redis',
  'clocks',
  'scripts',
  'policy',
  'actions',
  'history',
  'audit',
  'webhooks',
  'access',
] as const
export type Subject = (typeof subjects)[number]

export const levels = ['ok', 'warning', 'error'] as const
export type Level = (typeof levels)[number]

type FindingRow = {
  level: Exclude<Level, 'ok'>
  subject: Subject
  /** What the operator can do. */
  cure: string
}

const error = (subject: Subject, cure: string) => ({ level: 'error', subject, cure }) as const
const warning = (subject: Subject, cure: string) => ({ level: 'warning', subject, cure }) as const

export const findingCodes = {
  // Found by the client.
  websocket_blocked: error(
    'connection',
    'Configure the proxy or ingress to pass websockets (Upgrade) at /event.',
  ),
  stream_buffered: error(
    'connection',
    'Configure the proxy or ingress to pass text/event-stream without buffering.',
  ),
  client_clock: warning('connection', 'Synchronize the clock of this machine (NTP).'),
  // Found by the server.
  versions_differ: warning(
    'servers',
    'Wait until the rollout has ended; then bring the rest to one version.',
  ),
  settings_differ: warning('servers', 'Give all servers and runners the same values of these settings.'),
  no_runner: error('runners', 'Start a runner (npm run runner); the log of one that ends says why.'),
  program_silent: warning(
    'runners',
    'Look at its last log lines. If it was replaced, nothing is wrong, and this finding disappears within 15 minutes.',
  ),
  runner_without_report: warning(
    'runners',
    'Update the runners to the version of the servers; if they are, the next report comes within 20 seconds.',
  ),
  runners_unknown: warning('runners', 'Correct what is found about redis: runners report there.'),
  program_without_database: error(
    'runners',
    'Check DATABASE_URL, the network and the limits of connections where this program runs.',
  ),
  postgres_unreachable: error(
    'postgresql',
    'Check that PostgreSQL runs, and DATABASE_URL, its network and its limits of connections.',
  ),
  postgres_read_only: error(
    'postgresql',
    'Lead DATABASE_URL to the primary; or let the server, the database and the role allow changes.',
  ),
  postgres_full: error('postgresql', 'Free space on the disk of PostgreSQL, and limit the history.'),
  postgres_rights: error('postgresql', 'Give the role the rights in docs/install.md ("A second role").'),
  postgres_old: warning('postgresql', 'Upgrade PostgreSQL to version 14 or later.'),
  postgres_slow: warning('postgresql', 'Bring PostgreSQL nearer to the servers, or give it more CPU.'),
  postgres_connections: warning(
    'postgresql',
    'Lower DATABASE_POOL_SIZE, raise max_connections of PostgreSQL, or put pgbouncer in front of it. Behind a pooler its own limits count.',
  ),
  redis_unreachable: error(
    'redis',
    'Check that Redis runs, and REDIS_URL, its network and its user. Actions run without it, but start later.',
  ),
  redis_unusable: error('redis', 'Let REDIS_URL lead to the primary of one Redis without cluster mode.'),
  redis_eviction: error('redis', 'Set maxmemory-policy of Redis to noeviction.'),
  redis_rights: error('redis', 'Give the user of REDIS_URL the rights in docs/install.md.'),
  redis_old: warning('redis', 'Upgrade Redis to version 6.2 or later.'),
  redis_slow: warning('redis', 'Bring Redis nearer to the servers, or give it more CPU.'),
  redis_memory: warning('redis', 'Raise maxmemory of Redis: when it is full, Redis refuses changes.'),
  clock_wrong: warning('clocks', 'Synchronize the clocks of all machines (NTP).'),
  scripts_broken: error('scripts', 'Correct the control scripts of that runner, and start it again.'),
  scripts_differ: warning(
    'scripts',
    'Wait until the rollout has ended; then give all runners the same scripts.',
  ),
  manifest_unknown_keys: warning(
    'scripts',
    'Correct the keys of octopod.yaml, or update the runners to a version that knows them.',
  ),
  scripts_failing: warning(
    'scripts',
    'The pages of the deployments show what a script has printed; the page of a new deployment does so for config scripts.',
  ),
  policy_rejected: error(
    'policy',
    'Correct the file; octo policy check FILE shows its problems before it is used.',
  ),
  policy_unreadable: error('policy', 'Update the runners to the version of the servers.'),
  policy_differs: warning(
    'policy',
    'Wait two minutes after a change of the file; then give all servers the same file.',
  ),
  work_paused: warning('actions', 'octo resume ends the pause; the reason says who wanted it and why.'),
  actions_wait: warning('actions', 'Run more runners, or raise ACTION_CONCURRENCY.'),
  checks_late: warning('actions', 'Run more runners, or raise CHECK_CONCURRENCY.'),
  history_unlimited: warning(
    'history',
    'Set OUTPUT_RETENTION, OUTPUT_TOTAL_LIMIT or ACTION_RETENTION for servers and runners.',
  ),
  audit_unsealed: error('audit', 'Look for "audit log" in the logs of the runners, which seal its entries.'),
  webhook_failing: warning(
    'webhooks',
    'octo webhooks shows the last error; octo webhooks resend sends again what was given up.',
  ),
  proxy_not_trusted: warning('access', 'Name the addresses of your proxies in TRUSTED_PROXIES.'),
  anonymous_changes: warning('access', 'Set ANONYMOUS_ROLE to viewer or none.'),
  credential_for_everyone: warning(
    'access',
    'Protect /config.json at the ingress, or set CONFIG_JSON_CREDENTIAL=off.',
  ),
  not_found_out: warning('servers', 'Run the doctor again; if it stays so, look at the log of this server.'),
} as const satisfies Record<string, FindingRow>

export type FindingCode = keyof typeof findingCodes

export type Finding = {
  /** `ok`: nothing is wrong with the subject. */
  code: FindingCode | 'ok'
  level: Level
  subject: Subject
  message: string
  /** Null with the code `ok`. */
  cure: string | null
  /** Path of the explanation, below the address of the page; null with the code `ok`. */
  link: string | null
}

export const findingLink = (code: FindingCode): string => `/docs/doctor.html#${code}`

/** `subject`: where the code fits several. */
export const toFinding = (
  code: FindingCode,
  message: string,
  subject: Subject = findingCodes[code].subject,
): Finding => {
  const { level, cure } = findingCodes[code]
  return { code, level, subject, message, cure, link: findingLink(code) }
}

export const okFinding = (subject: Subject, message: string): Finding => ({
  code: 'ok',
  level: 'ok',
  subject,
  message,
  cure: null,
  link: null,
})
