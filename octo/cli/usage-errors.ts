/** Messages for a wrong command line. Called by run.ts when the parser has rejected it. */
import type { CommandClass } from 'clipanion'
import { describeCommand, type OptionDescription } from './option-metadata.ts'
import { suggestion } from './suggestion.ts'

/**
 * The message for wrong arguments after the command, as normalizeArgs() returns them. The messages of clipanion would
 * depend on the order of its attempts.
 */
export function usageErrorMessage(
  command: CommandClass,
  commandName: string,
  args: readonly string[],
): string {
  const { options, positionals, optionalPositionals, takesNames } = describeCommand(command)
  const positionalCount = takesNames
    ? Number.POSITIVE_INFINITY
    : positionals.length + optionalPositionals.length
  const plainArgs = args.filter((token) => !token.startsWith('-'))
  for (const token of args) {
    if (!token.startsWith('-')) {
      if (plainArgs.indexOf(token) < positionalCount) continue
      return `unexpected argument "${token.slice(0, 40)}": values follow an option.`
    }
    const error = optionError(options, commandName, token)
    if (error !== null) return error
  }
  const isGiven = (option: OptionDescription) =>
    args.some((token) => token.startsWith(`${option.names.at(-1)}=`))
  const missing = [
    ...positionals.slice(plainArgs.length),
    ...options.filter((option) => option.required && !isGiven(option)).map(({ names }) => names.join(',')),
  ]
  return missing.length > 0
    ? `${commandName} needs ${missing.join(' and ')}.`
    : `the arguments of ${commandName} are not valid.`
}

function optionError(
  options: readonly OptionDescription[],
  commandName: string,
  token: string,
): string | null {
  const [long = ''] = token.split('=', 1)
  const option = options.find(({ names }) => names.includes(long))
  if (option === undefined) {
    const names = options.flatMap((known) => known.names)
    return `${commandName} has no option ${long.slice(0, 40)}.${suggestion(long, names)}`
  }
  if (option.takesValue && long === token) return `${option.names.join(',')} needs a value.`
  if (!option.takesValue && long !== token) return `${long} takes no value.`
  return null
}

/** Command names of other programs → commands of octo. */
const synonyms: Readonly<Record<string, string>> = {
  ls: 'list',
  ps: 'list',
  get: 'list or info',
  show: 'info',
  describe: 'info',
  rm: 'archive, then cleanup',
  remove: 'archive, then cleanup',
  destroy: 'archive, then cleanup',
  deploy: 'create --or-update',
  edit: 'update',
  set: 'update',
  stop: 'archive',
  start: 'restore',
  unarchive: 'restore',
  history: 'actions',
  tail: 'logs -f',
  auth: 'login',
  url: 'open',
}

export function unknownCommandMessage(command: string, commands: readonly string[]): string {
  const subcommands = commands.flatMap((known) =>
    known.startsWith(`${command} `) ? known.slice(command.length + 1) : [],
  )
  if (subcommands.length > 0) return `${command} needs one of ${subcommands.join(', ')}.`
  const synonym = Object.hasOwn(synonyms, command) ? ` Did you mean ${synonyms[command]}?` : ''
  return `there is no command "${command.slice(0, 40)}".${synonym || suggestion(command, commands)}`
}
