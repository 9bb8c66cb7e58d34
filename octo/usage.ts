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
  const lines = commands.map(({ paths, usage }) => `  ${paths?.[0]?.[0]?.padEnd(10)} ${usage?.description}`)
  return `octo, the command line of Octopod ${version}

Usage: octo COMMAND [options]      (octo COMMAND --help explains one, with examples)

Commands
${lines.join('\n')}

Environment
  OCTOPOD_URL                  address of the installation, e.g. https://octopod.example.com
  OCTO_AUTHORIZATION_HEADER    credential, sent as the Authorization header
`
}

export function help(command: CommandClass): string {
  return readable(cliOf([command]).usage(command, { detailed: true }))
}

/** One line: the command with its options. */
export function usageLine(command: CommandClass): string {
  return readable(cliOf([command]).usage(command, { prefix: 'Usage: ' }))
}

/** What is wrong with the arguments after the verb, as spell() left them; in words of ours, for the parser's
 * depend on the paths it took. */
export function usageProblem(command: CommandClass, verb: string, typed: readonly string[]): string {
  const options = [...usageLine(command).matchAll(/([<[])((?:-\w,)?(--\S+)) VALUE/g)]
  for (const token of typed) {
    if (!token.startsWith('-')) return `"${token.slice(0, 40)}" stands alone: values come after an option.`
    const [long] = token.split('=', 1)
    const option = options.find(([, , , name]) => name === long)
    if (option === undefined) return `${verb} has no option ${long?.slice(0, 40)}.`
    if (long === token) return `${option[2]} needs a value.`
  }
  const missing = options
    .filter(([, bracket, , long]) => bracket === '<' && !typed.some((token) => token.startsWith(`${long}=`)))
    .map(([, , names]) => names)
  return missing.length > 0 ? `${verb} needs ${missing.join(' and ')}.` : `${verb} was not understood.`
}

export function unknownVerb(typed: string, verbs: readonly string[]): string {
  const near = verbs.filter((verb) => distance(typed, verb) <= 2)
  const hint = near.length === 0 ? '' : ` Did you mean ${near.join(' or ')}?`
  return `there is no command "${typed.slice(0, 40)}".${hint}`
}

/** The parser calls values #0. */
const readable = (usage: string) => usage.replaceAll(' #0', ' VALUE')

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
