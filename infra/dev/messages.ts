/** The messages of `npm start` for the user. Called by start-all.ts, program.ts and restart.ts. */
import { relative } from 'node:path'
import type { RunningProgram } from '../../lib/node/spawn-program.ts'
import type { DataDir } from './data-dir.ts'
import type { ListenAddress } from './listen-address.ts'

export function readyMessage(
  dataDir: DataDir,
  address: ListenAddress,
  userEnvironment: NodeJS.ProcessEnv,
  /** What the programs were started with. */
  shared: Readonly<Record<string, string>>,
): string[] {
  const { url } = address
  const relativePath = relative(process.cwd(), dataDir.path)
  const folder = relativePath.startsWith('..') ? dataDir.path : relativePath || '.'
  const header = userEnvironment.POWER_AUTHORIZATION_HEADER
    ? '$POWER_AUTHORIZATION_HEADER'
    : `$(cat ${shellQuote(dataDir.file('authorization'))})`
  const prefix = userEnvironment.OCTOPOD_HOME
    ? `OCTOPOD_HOME=${shellQuote(userEnvironment.OCTOPOD_HOME)} `
    : ''
  return [
    `Octopod is ready: ${url}`,
    `  octo    ${prefix}npm run -s octo -- list     in another terminal, in this folder; in other folders first:`,
    `          export OCTOPOD_URL=${url} OCTO_AUTHORIZATION_HEADER="${header}"`,
    ...accessLines(shared).map((line, index) => `  ${index === 0 ? 'access' : '      '}  ${line}`),
    `  data    ${folder} (logs in ${folder}/logs)`,
    '  stop    Ctrl-C. Deployments keep running: archive or clean up those that you no longer need.',
  ]
}

/** Who may do what, in the order in which the server asks. */
function accessLines(shared: Readonly<Record<string, string>>): string[] {
  const { OIDC_ISSUER, ACTOR_HEADER, APP_AUTHORIZATION_HEADER, OCTOPOD_POLICY, ANONYMOUS_ROLE } = shared
  const role = (name: string) => shared[name] || 'developer'
  const roles = OCTOPOD_POLICY ? `roles as in ${OCTOPOD_POLICY}` : `role ${role('SIGNED_IN_ROLE')}`
  return [
    ...(ANONYMOUS_ROLE && ANONYMOUS_ROLE !== 'none'
      ? [`everyone who can reach the address has the role ${ANONYMOUS_ROLE}, without signing in`]
      : []),
    ...(OIDC_ISSUER ? [`people sign in at ${OIDC_ISSUER}: ${roles}`] : []),
    ...(ACTOR_HEADER ? [`people whom a proxy of TRUSTED_PROXIES names in ${ACTOR_HEADER}: ${roles}`] : []),
    ...(APP_AUTHORIZATION_HEADER ? [`clients with APP_AUTHORIZATION_HEADER: role ${role('USER_ROLE')}`] : []),
    'the header above gives the role admin; docs/sign-in.md and docs/policy.md say how to give roles to people',
  ]
}

/** Quotes a path for a shell, if necessary. */
const shellQuote = (path: string) =>
  /^[\w@%+=:,./-]+$/.test(path) ? path : `'${path.replaceAll("'", `'\\''`)}'`

export const stoppingMessage =
  'Stopping runner, server, PostgreSQL and Redis; deployments keep running. Press Ctrl-C again to kill everything.'

/** The end of a program's output, indented, for an error message: five lines, or all lines of a last message that is no log. */
export function lastOutputLines(program: RunningProgram): string[] {
  const lines = program.lastLines()
  const messageLength = lines.length - 1 - lines.findLastIndex((line) => line.startsWith('{'))
  return lines
    .slice(-Math.max(5, Math.min(messageLength, 15)))
    .map((line) => `  ${logMessageOf(line).slice(0, 300)}`)
}

/** The message of a JSON log line; other lines unchanged. */
function logMessageOf(line: string): string {
  try {
    const { msg, err } = JSON.parse(line) as { msg?: string; err?: { message?: string } }
    return [msg, err?.message].filter(Boolean).join(': ') || line
  } catch {
    return line
  }
}
