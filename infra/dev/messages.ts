/** What `npm start` says to people. */
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
    `  octo    ${prefix}npm run -s octo -- list     in this folder, in another terminal; elsewhere first:`,
    `          export OCTOPOD_URL=${url} OCTO_AUTHORIZATION_HEADER="${header}"`,
    `  data    ${folder} (logs in ${folder}/logs)`,
    '  stop    Ctrl-C. Deployments go on running: archive or clean up those you want to end.',
  ]
}

/** As a shell takes it for one word. */
const shellQuote = (path: string) =>
  /^[\w@%+=:,./-]+$/.test(path) ? path : `'${path.replaceAll("'", `'\\''`)}'`

export const stoppingMessage =
  'Stopping runner, server and engines; deployments go on. Ctrl-C again ends at once.'

/** What a process said last, a line each, to go below the sentence that tells of its end. */
export function lastOutputLines(program: RunningProgram): string[] {
  return program
    .lastLines()
    .slice(-5)
    .map((line) => `  ${logMessageOf(line).slice(0, 300)}`)
}

/** Our programs log JSON: people get its message. */
function logMessageOf(line: string): string {
  try {
    const { msg, err } = JSON.parse(line) as { msg?: string; err?: { message?: string } }
    return [msg, err?.message].filter(Boolean).join(': ') || line
  } catch {
    return line
  }
}
