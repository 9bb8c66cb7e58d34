/**
 * Help texts: the overview of all commands, and the help of one command with its options and examples, wrapped to the
 * width of the terminal. Loaded by run.ts for --help and after usage errors.
 */
import type { CommandClass } from 'clipanion'
import { wrapWords } from '../output/terminal-text.ts'
import { describeCommand, hasConfigOption, type OptionDescription } from './option-metadata.ts'
import { version } from './version.ts'

/** One line for each command, in the given order. */
export function overview(commands: readonly CommandClass[]): string {
  const nameWidth = Math.max(...commands.map((command) => commandName(command).length))
  const lines = commands.map(
    (command) => `  ${commandName(command).padEnd(nameWidth)}  ${command.usage?.description}`,
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
  const options = sortOptions(describeCommand(command).options)
  const rows = options.map((option) => [optionSyntax(option), option.description])
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
  const { options, positionals, optionalPositionals, takesNames, restNames } = describeCommand(command)
  const hasNameArgument = takesNames || [...positionals, ...optionalPositionals].includes('NAME')
  const shown = options.filter(({ names }) => !hasNameArgument || !names.includes('--name'))
  const parts = sortOptions(shown).map((option) => {
    const [name = ''] = option.names
    const part = option.takesValue ? `${name} ${valuePlaceholder(option)}` : name
    return option.required ? part : `[${part}]`
  })
  const optional = [
    ...optionalPositionals.map((name) => `[${name}]`),
    ...restNames.map((name) => `[${name}…]`),
  ]
  return `Usage: ${['octo', commandName(command), ...positionals, ...optional, ...parts].join(' ')}\n`
}

const commandName = (command: CommandClass) => command.paths?.[0]?.join(' ') ?? ''

/** Required options first, then those with a letter, and last those of every command, with -o where it is --output. */
function sortOptions(options: readonly OptionDescription[]): OptionDescription[] {
  const isOutput = ({ names }: OptionDescription) => names.includes('--output') && !hasConfigOption(options)
  const rank = ({ names, required }: OptionDescription) => {
    if (required) return 0
    if (names.includes('--quiet') || names.includes('--output')) return 3
    if (names.includes('--context')) return 4
    return names.length > 1 ? 1 : 2
  }
  return options
    .toSorted((left, right) => rank(left) - rank(right))
    .map((option) => (isOutput(option) ? { ...option, names: ['-o', ...option.names] } : option))
}

function optionSyntax(option: OptionDescription): string {
  const definition = (option.names.length > 1 ? '' : '    ') + option.names.join(', ')
  return option.takesValue ? `${definition} ${valuePlaceholder(option)}` : definition
}

/** The placeholder of a value, where it is not the last word of the option's name: `--ca-file FILE`. */
const valueNames: Readonly<Record<string, string>> = {
  'set-app-config': 'KEY=VALUE',
  'set-app-config-file': 'KEY=PATH',
  'unset-app-env-override': 'KEY',
  'set-deployment-config': 'KEY=VALUE',
  'set-deployment-config-file': 'KEY=PATH',
  'unset-deployment-override': 'KEY',
  action: 'ID',
  to: 'ID',
  'when-busy': 'MODE',
  'log-type': 'STREAM',
  limit: 'N',
  tail: 'N',
  days: 'N',
  output: 'FORMAT',
  timeout: 'DURATION',
  reason: 'TEXT',
  label: 'TEXT',
  title: 'TEXT',
  for: 'VALUE',
  as: 'PERSON',
  names: 'PATTERN',
  since: 'WHEN',
}

function valuePlaceholder({ names }: OptionDescription): string {
  const longName = names.at(-1)?.slice(2) ?? ''
  return valueNames[longName] ?? longName.split('-').at(-1)?.toUpperCase() ?? 'VALUE'
}

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
