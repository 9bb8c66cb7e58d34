/**
 * How commands are used, in words: the overview, the help of one command, and what is wrong with what was typed.
 * Called by run.ts and command.ts.
 */
import { Cli, type CommandClass } from 'clipanion'
import manifest from '../package.json' with { type: 'json' }

export const version = manifest.version

export function cliOf(commands: CommandClass[]): Cli {
  // Plain: the parser's coloured headings are wider than many terminals.
  return Cli.from(commands, { binaryName: 'octo', enableColors: false })
}

/** Every command in a line, in the order given. */
export function overview(commands: readonly CommandClass[]): string {
  const lines = commands.map(({ paths, usage }) => {
    const typed = paths?.[0]?.join(' ') ?? ''
    return `  ${typed.padEnd(14)} ${usage?.description}`
  })
  return `octo, the command line of Octopod ${version}

Usage: octo COMMAND [options]      (octo COMMAND --help explains one, with examples)

Commands
${lines.join('\n')}

Environment
  OCTOPOD_URL                  address of the installation, e.g. https://octopod.example.com
  OCTO_AUTHORIZATION_HEADER    credential, sent as the Authorization header

Exit codes
  0 done, 1 the action failed, 2 typed or set wrongly, 3 timed out, 4 cancelled, 5 refused, 6 not allowed,
  7 server not reachable
`
}

export function help(command: CommandClass): string {
  return readable(cliOf([command]).usage(command, { detailed: true }))
}

/** One line: the command with its options. */
export function usageLine(command: CommandClass): string {
  return readable(cliOf([command]).usage(command, { prefix: 'Usage: ' }))
}

export type KnownOption = { names: string[]; takesValue: boolean; required: boolean }

/** The options of a command as its usage line tells them. */
export function optionsOf(command: CommandClass): KnownOption[] {
  const found = usageLine(command).matchAll(/([<[])((?:-\w,)?--[\w-]+)( VALUE)?/g)
  return [...found].map(([, bracket, names = '', value]) => ({
    names: names.split(','),
    takesValue: value !== undefined,
    required: bracket === '<',
  }))
}

/** What is wrong with the arguments after the verb, as spell() left them; in words of ours, for the parser's
 * depend on the paths it took. */
export function usageProblem(command: CommandClass, verb: string, typed: readonly string[]): string {
  const options = optionsOf(command)
  const places = [...usageLine(command).matchAll(/ <([A-Z]+)>/g)].map(([, name]) => name)
  const alone = typed.filter((token) => !token.startsWith('-'))
  for (const token of typed) {
    if (!token.startsWith('-')) {
      if (alone.indexOf(token) < places.length) continue
      return `"${token.slice(0, 40)}" stands alone: values come after an option.`
    }
    const [long = ''] = token.split('=', 1)
    const option = options.find(({ names }) => names.includes(long))
    if (option === undefined) return `${verb} has no option ${long.slice(0, 40)}.`
    if (option.takesValue && long === token) return `${option.names.join(',')} needs a value.`
    if (!option.takesValue && long !== token) return `${long} takes no value.`
  }
  const missing = [
    ...places.slice(alone.length),
    ...options
      .filter(
        ({ required, names }) => required && !typed.some((token) => token.startsWith(`${names.at(-1)}=`)),
      )
      .map(({ names }) => names.join(',')),
  ]
  return missing.length > 0 ? `${verb} needs ${missing.join(' and ')}.` : `${verb} was not understood.`
}

export function unknownVerb(typed: string, verbs: readonly string[]): string {
  const near = verbs.filter((verb) => distance(typed, verb) <= 2)
  const hint = near.length === 0 ? '' : ` Did you mean ${near.join(' or ')}?`
  return `there is no command "${typed.slice(0, 40)}".${hint}`
}

/** The parser calls values #0, and names what all commands share first. */
const readable = (usage: string) =>
  usage
    .replaceAll(' #0', ' VALUE')
    .replace(/(?<= )(?:\[-[^\]]*\]|<[^>]*>)(?: (?:\[-[^\]]*\]|<[^>]*>))*/, (options) =>
      (options.match(/\[[^\]]*\]|<[^>]*>/g) ?? [])
        .toSorted((one, other) => rank(one) - rank(other))
        .join(' '),
    )

/** What is needed comes first, then what has a letter. */
const rank = (option: string) => (option.startsWith('<') ? 0 : /^\[-\w,/.test(option) ? 1 : 2)

/** How many letters differ (Levenshtein). */
function distance(one: string, other: string): number {
  let row = Array.from({ length: other.length + 1 }, (_, at) => at)
  for (const [at, letter] of [...one.slice(0, 40)].entries()) {
    const next = [at + 1]
    for (let to = 0; to < other.length; to += 1) {
      const change = (row[to] ?? 0) + (letter === other[to] ? 0 : 1)
      next.push(Math.min(change, (row[to + 1] ?? 0) + 1, (next[to] ?? 0) + 1))
    }
    row = next
  }
  return row.at(-1) ?? 0
}
