/**
 * The clipanion parser of a command, and its options as data. Called by run.ts, normalize-args.ts, usage-errors.ts,
 * help.ts and completion.ts.
 */
import { Cli, type CommandClass } from 'clipanion'

export type OptionDescription = {
  names: string[]
  takesValue: boolean
  required: boolean
  description: string
}
/** Arguments without an option, such as the NAME of a context; required ones in `positionals`, the others after them. */
export type CommandDescription = {
  options: OptionDescription[]
  positionals: string[]
  optionalPositionals: string[]
  /** Any number of names may follow. */
  takesNames: boolean
  /** What the usage line shows of them: NAME, unless the command declares `restNames`. */
  restNames: readonly string[]
}

export function createCli(command: CommandClass): Cli {
  return Cli.from([command], { binaryName: 'octo', enableColors: false })
}

/** The options of a command in the order of declaration, those of all commands first. */
export function describeCommand(command: CommandClass): CommandDescription {
  const [definition] = createCli(command).definitions()
  if (definition === undefined) throw new TypeError(`${command.name} has no usage`)
  const takesNames = definition.usage.endsWith(' ...')
  const { restNames = ['NAME'] } = command as { restNames?: readonly string[] }
  return {
    options: definition.options.map((option) => ({
      names: option.definition.split(' ', 1).flatMap((names) => names.split(',')),
      takesValue: option.definition.includes(' '),
      required: option.required,
      description: option.description?.trim() ?? '',
    })),
    positionals: namesIn(definition.usage, /[ []<([A-Z]+)>/g),
    optionalPositionals: namesIn(definition.usage, / \[([A-Z]+)\]/g),
    takesNames,
    restNames: takesNames ? restNames : [],
  }
}

/** Commands where `-o` sets the deployment config, as in Octopod 1.6; in all others it is the output format. */
export const hasConfigOption = (options: readonly OptionDescription[]) =>
  options.some(({ names }) => names.includes('-o'))

const namesIn = (usage: string, pattern: RegExp) => [...usage.matchAll(pattern)].map(([, name = '']) => name)
