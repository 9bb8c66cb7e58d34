/**
 * How commands are used: the overview, and the help of one command with its options and examples, as wide as the
 * terminal. Loaded by run.ts and command.ts when it is asked for, or something was typed wrongly.
 */
import type { CommandClass } from 'clipanion'
import { type KnownOption, takenBy } from './parser.ts'
import { takesConfig, valueNames } from './spelling.ts'
import { wrapped } from './text.ts'
import { version } from './version.ts'

/** Every command in a line, in the order given. */
export function overview(commands: readonly CommandClass[]): string {
  const lines = commands.map((command) => `  ${typedFor(command).padEnd(14)} ${command.usage?.description}`)
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

/** `columns`: of the terminal. */
export function help(command: CommandClass, columns: number): string {
  const width = Math.min(columns, 110)
  const { description = '', details = '', examples = [] } = command.usage ?? {}
  const text = details.trim().replace(/\s*\n\s*/g, ' ')
  const rows = sorted(takenBy(command).options).map((option) => [
    definitionOf(command, option),
    option.description,
  ])
  const left = Math.min(32, 4 + Math.max(...rows.map(([definition = '']) => definition.length)))
  return [
    `${description.charAt(0).toUpperCase()}${description.slice(1)}.`,
    ...(text === '' ? [] : ['', ...wrapped(text, width)]),
    '',
    usageLine(command).trimEnd(),
    '',
    'Options',
    ...rows.flatMap(([definition = '', about = '']) => optionLines(definition, about, left, width)),
    '',
    'Examples',
    ...examples.flatMap(([what, typed]) => [`  # ${what}`, `  ${typed.replaceAll('$0', 'octo')}`]),
    '',
  ].join('\n')
}

/** One line: the command with its options. */
export function usageLine(command: CommandClass): string {
  const { options, places } = takenBy(command)
  const words = sorted(options).map((option) => {
    const [name = ''] = namesOf(command, option)
    const word = option.takesValue ? `${name} ${valueNameOf(option)}` : name
    return option.required ? word : `[${word}]`
  })
  return `Usage: ${['octo', typedFor(command), ...places, ...words].join(' ')}\n`
}

const typedFor = (command: CommandClass) => command.paths?.[0]?.join(' ') ?? ''

/** What is needed comes first, then what has a letter, and last what every command takes. */
function sorted(options: readonly KnownOption[]): KnownOption[] {
  const rank = ({ names, required }: KnownOption) => {
    if (required) return 0
    if (names.includes('--quiet') || names.includes('--output')) return 3
    if (names.includes('--context')) return 4
    return names.length > 1 ? 1 : 2
  }
  return options.toSorted((one, other) => rank(one) - rank(other))
}

/** spelling.ts gives --output its letter where no other option has it. */
function namesOf(command: CommandClass, { names }: KnownOption): string[] {
  return names.includes('--output') && !takesConfig.has(typedFor(command)) ? ['-o', ...names] : names
}

function definitionOf(command: CommandClass, option: KnownOption): string {
  const names = namesOf(command, option)
  const definition = (names.length > 1 ? '' : '    ') + names.join(', ')
  return option.takesValue ? `${definition} ${valueNameOf(option)}` : definition
}

const valueNameOf = ({ names }: KnownOption) => valueNames[names.at(-1)?.slice(2) ?? ''] ?? 'VALUE'

/** A definition that is too long for its column has a line of its own. */
function optionLines(definition: string, about: string, left: number, width: number): string[] {
  const lines = wrapped(about, Math.max(24, width - left - 2))
  const fits = definition.length + 2 <= left
  const first = `  ${definition.padEnd(left)}${fits ? lines[0] : ''}`.trimEnd()
  return [first, ...lines.slice(fits ? 1 : 0).map((line) => ' '.repeat(left + 2) + line)]
}
