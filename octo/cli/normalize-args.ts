/**
 * Normalizes the arguments of the process: `-n x`, `-nx`, `-n=x`, `--name x` and `--name=x` all become `--name=x`,
 * because clipanion rejects `-nx` and values that begin with `-`. Also the names of all options that take a value.
 * Called by run.ts.
 */

/** The values of --output. */
export const formats = ['json', 'jsonl', 'table', 'name', 'yaml'] as const
export type Format = (typeof formats)[number]

/** Letter → long name of options that take a value; the same in every command. */
export const shortOptions: Readonly<Record<string, string>> = {
  n: 'name',
  e: 'set-app-config',
  E: 'unset-app-env-override',
  o: 'set-deployment-config',
  O: 'unset-deployment-override',
  a: 'action',
  l: 'log-type',
  f: 'file',
}

/** Options that take a value → placeholder of the value in help texts. */
export const valueNames: Readonly<Record<string, string>> = {
  name: 'NAME',
  'set-app-config': 'KEY=VALUE',
  'set-app-config-file': 'KEY=PATH',
  'unset-app-env-override': 'KEY',
  'set-deployment-config': 'KEY=VALUE',
  'set-deployment-config-file': 'KEY=PATH',
  'unset-deployment-override': 'KEY',
  action: 'ID',
  'log-type': 'STREAM',
  file: 'FILE',
  limit: 'N',
  tail: 'N',
  output: 'FORMAT',
  timeout: 'DURATION',
  reason: 'TEXT',
  'idempotency-key': 'TEXT',
  context: 'NAME',
  for: 'VALUE',
  link: 'NAME',
  right: 'RIGHT',
  as: 'PERSON',
  group: 'GROUP',
  label: 'TEXT',
  title: 'TEXT',
  selector: 'SELECTOR',
  days: 'N',
  role: 'ROLE',
  names: 'PATTERN',
  service: 'NAME',
  actor: 'NAME',
  deployment: 'NAME',
  operation: 'OPERATION',
  outcome: 'OUTCOME',
  since: 'WHEN',
  head: 'HASH',
  url: 'URL',
  'authorization-file': 'FILE',
  'ca-file': 'FILE',
}

/** Commands where `-o` sets the deployment config, as in Octopod 1.6; in all others it is the output format. */
export const commandsWithConfigOption: ReadonlySet<string> = new Set(['create', 'update', 'config'])

export function normalizeArgs(args: readonly string[]): string[] {
  const normalized: string[] = []
  const [command = ''] = args
  for (let index = 0; index < args.length; index += 1) {
    const token = args[index] ?? ''
    if (token === '--') return [...normalized, ...args.slice(index)]
    const option = readOption(token)
    if (option === null) {
      normalized.push(token)
      continue
    }
    const next = args[index + 1]
    const takesNext = option.value === null && next !== undefined && !isOption(next)
    const value = takesNext ? next : option.value
    const name = token.startsWith('-o')
      ? resolveShortO(command, value)
      : resolveShortL(command, token, option.name)
    normalized.push(value === null ? `--${name}` : `--${name}=${value}`)
    if (takesNext) index += 1
  }
  return normalized
}

export function isHelp(token: string): boolean {
  return token === '-h' || token === '--help'
}

/** A config value contains `=`, so it is never equal to an output format. */
function resolveShortO(command: string, value: string | null): string {
  const isFormat = (formats as readonly (string | null)[]).includes(value)
  return isFormat || !commandsWithConfigOption.has(command) ? 'output' : 'set-deployment-config'
}

/** In `logs`, `-l` is the stream, as in Octopod 1.6; in all others it is the selector, as in kubectl. */
const resolveShortL = (command: string, token: string, name: string): string =>
  token.startsWith('-l') && command !== 'logs' ? 'selector' : name

/** With an empty variable in a script (`-n $NAME -e A=B`), `-e` must not become the name. */
function isOption(token: string): boolean {
  return isHelp(token) || token === '--' || readOption(token) !== null
}

function readOption(token: string): { name: string; value: string | null } | null {
  if (token.startsWith('--')) {
    const index = token.indexOf('=')
    const name = index < 0 ? token.slice(2) : token.slice(2, index)
    return Object.hasOwn(valueNames, name) ? { name, value: index < 0 ? null : token.slice(index + 1) } : null
  }
  const shortName = token[1] ?? ''
  if (!token.startsWith('-') || !Object.hasOwn(shortOptions, shortName)) return null
  const rest = token.slice(2)
  const value = rest === '' ? null : rest.startsWith('=') ? rest.slice(1) : rest
  return { name: shortOptions[shortName] ?? shortName, value }
}
