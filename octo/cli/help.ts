/**
 * Help texts: the overview of all commands, and the help of one command with its options and examples, wrapped to the
 * width of the terminal. Loaded by run.ts and base-command.ts for --help and after usage errors.
 */
import type { CommandClass } from 'clipanion'
import { wrapWords } from '../output/terminal-text.ts'
import { commandsWithConfigOption, valueNames } from './normalize-args.ts'
import { describeCommand, type OptionDescription } from './option-metadata.ts'
import { version } from './version.ts'

/** One line for each command, in the given order. */
export function overview(commands: readonly CommandClass[]): string {
  const lines = commands.map(
    (command) => `  ${commandName(command).padEnd(14)} ${command.usage?.description}`,
  )
  return `octo, the command line of Octopod ${version}

Usage: octo COMMAND [options]      (octo COMMAND --help explains one, with examples)

Commands
${lines.join('\n')}

Environment
  OCTOPOD_URL                  address of the installation, e.g. https://octopod.example.com
  OCTO_AUTHORIZATION_HEADER    credential, sent as the Authorization header

Exit codes
  0 done, 1 the action failed, 2 usage or configuration error, 3 timed out, 4 cancelled, 5 refused, 6 not allowed,
  7 server not reachable
`
}

/** `columns`: width of the terminal. */
export function help(command: CommandClass, columns: number): string {
  const width = Math.min(columns, 110)
  const { description = '', details = '', examples = [] } = command.usage ?? {}
  const detailsText = details.trim().replace(/\s*\n\s*/g, ' ')
  const rows = sortOptions(describeCommand(command).options).map((option) => [
    optionSyntax(command, option),
    option.description,
  ])
  const leftColumnWidth = Math.min(32, 4 + Math.max(...rows.map(([definition = '']) => definition.length)))
  return [
    `${description.charAt(0).toUpperCase()}${description.slice(1)}.`,
    ...(detailsText === '' ? [] : ['', ...wrapWords(detailsText, width)]),
    '',
    usageLine(command).trimEnd(),
    '',
    'Options',
    ...rows.flatMap(([definition = '', text = '']) => optionLines(definition, text, leftColumnWidth, width)),
    '',
    'Examples',
    ...examples.flatMap(([title, commandLine]) => [
      `  # ${title}`,
      `  ${commandLine.replaceAll('$0', 'octo')}`,
    ]),
    '',
  ].join('\n')
}

/** The usage in one line: the command with its options. */
export function usageLine(command: CommandClass): string {
  const { options, positionals, optionalPositionals } = describeCommand(command)
  const hasNameArgument = [...positionals, ...optionalPositionals].includes('NAME')
  const shown = options.filter(({ names }) => !hasNameArgument || !names.includes('--name'))
  const parts = sortOptions(shown).map((option) => {
    const [name = ''] = optionNames(command, option)
    const part = option.takesValue ? `${name} ${valuePlaceholder(option)}` : name
    return option.required ? part : `[${part}]`
  })
  const optional = optionalPositionals.map((name) => `[${name}]`)
  return `Usage: ${['octo', commandName(command), ...positionals, ...optional, ...parts].join(' ')}\n`
}

const commandName = (command: CommandClass) => command.paths?.[0]?.join(' ') ?? ''

/** Required options first, then those with a letter, and last those of every command. */
function sortOptions(options: readonly OptionDescription[]): OptionDescription[] {
  const rank = ({ names, required }: OptionDescription) => {
    if (required) return 0
    if (names.includes('--quiet') || names.includes('--output')) return 3
    if (names.includes('--context')) return 4
    return names.length > 1 ? 1 : 2
  }
  return options.toSorted((left, right) => rank(left) - rank(right))
}

/** -o means --output in the commands where it is no config option; see normalize-args.ts. */
function optionNames(command: CommandClass, { names }: OptionDescription): string[] {
  return names.includes('--output') && !commandsWithConfigOption.has(commandName(command))
    ? ['-o', ...names]
    : names
}

function optionSyntax(command: CommandClass, option: OptionDescription): string {
  const names = optionNames(command, option)
  const definition = (names.length > 1 ? '' : '    ') + names.join(', ')
  return option.takesValue ? `${definition} ${valuePlaceholder(option)}` : definition
}

const valuePlaceholder = ({ names }: OptionDescription) => valueNames[names.at(-1)?.slice(2) ?? ''] ?? 'VALUE'

/** A definition that is too long for its column gets a line of its own. */
function optionLines(
  definition: string,
  description: string,
  leftColumnWidth: number,
  width: number,
): string[] {
  const lines = wrapWords(description, Math.max(24, width - leftColumnWidth - 2))
  const fits = definition.length + 2 <= leftColumnWidth
  const first = `  ${definition.padEnd(leftColumnWidth)}${fits ? lines[0] : ''}`.trimEnd()
  return [first, ...lines.slice(fits ? 1 : 0).map((line) => ' '.repeat(leftColumnWidth + 2) + line)]
}
