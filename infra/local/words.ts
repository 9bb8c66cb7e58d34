/** What `npm start` says to people. */
import { relative } from 'node:path'
import type { Child } from './child.ts'
import type { Home } from './home.ts'
import type { Page } from './page.ts'

export function greeting(home: Home, page: Page, user: NodeJS.ProcessEnv): string[] {
  const { url } = page
  const below = relative(process.cwd(), home.path)
  const folder = below.startsWith('..') ? home.path : below || '.'
  const header = user.POWER_AUTHORIZATION_HEADER
    ? '$POWER_AUTHORIZATION_HEADER'
    : `$(cat ${quoted(home.file('authorization'))})`
  const prefix = user.OCTOPOD_HOME ? `OCTOPOD_HOME=${quoted(user.OCTOPOD_HOME)} ` : ''
  return [
    `Octopod is ready: ${url}`,
    `  octo    ${prefix}npm run -s octo -- list     in this folder, in another terminal; elsewhere first:`,
    `          export OCTOPOD_URL=${url} OCTO_AUTHORIZATION_HEADER="${header}"`,
    `  data    ${folder} (logs in ${folder}/logs)`,
    '  stop    Ctrl-C. Deployments go on running: archive or clean up those you want to end.',
  ]
}

/** As a shell takes it for one word. */
const quoted = (path: string) => (/^[\w@%+=:,./-]+$/.test(path) ? path : `'${path.replaceAll("'", `'\\''`)}'`)

export const stopping = 'Stopping runner, server and engines; deployments go on. Ctrl-C again ends at once.'

/** What a process said last, a line each, to go below the sentence that tells of its end. */
export function lastWords(child: Child): string[] {
  return child
    .lastLines()
    .slice(-5)
    .map((line) => `  ${readable(line).slice(0, 300)}`)
}

/** Our programs log JSON: people get its message. */
function readable(line: string): string {
  try {
    const { msg, err } = JSON.parse(line) as { msg?: string; err?: { message?: string } }
    return [msg, err?.message].filter(Boolean).join(': ') || line
  } catch {
    return line
  }
}
