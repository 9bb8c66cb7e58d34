/** The messages of `npm start` for the user. Called by start-all.ts, program.ts and restart.ts. */
import { relative } from 'node:path'
import type { RunningProgram } from '../../lib/node/spawn-program.ts'
import type { DataDir } from './data-dir.ts'
import type { ListenAddress } from './listen-address.ts'

export function readyMessage(
  dataDir: DataDir,
  address: ListenAddress,
  userEnvironment: NodeJS.ProcessEnv,
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
    `  data    ${folder} (logs in ${folder}/logs)`,
    '  stop    Ctrl-C. Deployments keep running: archive or clean up those that you no longer need.',
  ]
}

/** Quotes a path for a shell, if necessary. */
const shellQuote = (path: string) =>
  /^[\w@%+=:,./-]+$/.test(path) ? path : `'${path.replaceAll("'", `'\\''`)}'`

export const stoppingMessage =
  'Stopping runner, server, PostgreSQL and Redis; deployments keep running. Press Ctrl-C again to kill everything.'

/** The last five lines of a program's output, indented, for an error message. */
export function lastOutputLines(program: RunningProgram): string[] {
  return program
    .lastLines()
    .slice(-5)
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
