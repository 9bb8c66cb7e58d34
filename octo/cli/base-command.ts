/**
 * Base class of all commands: prints errors, returns exit codes, and prints records in the format of --output. Also the
 * options that many commands share. Extended by every class in commands/, run by run.ts.
 */
import { Command, Option } from 'clipanion'
import { describeNameError, longestNameLength } from '../../domain/deployment-name.ts'
import { toPlainText } from '../../lib/terminal/text.ts'
import { CliError } from '../errors/cli-error.ts'
import { exitCodeOf, formatError } from '../errors/format-error.ts'
import {
  type Format,
  formatRecords,
  parseFormat,
  type Records,
  type RecordView,
} from '../output/formatter.ts'
import type { Terminal } from '../output/terminal-text.ts'
import { ReaderGone, writeText } from '../output/write-text.ts'

export abstract class OctoCommand extends Command {
  output = Option.String('--output', { description: 'json, jsonl, table, name or yaml' })
  /** The format of --output; null without that option. */
  protected format: Format | null = null

  /** Does the work of the command. Throws a CliError when that fails. Returns the exit code, if it is not 0. */
  // biome-ignore lint/suspicious/noConfusingVoidType: most commands return nothing
  protected abstract run(): Promise<number | void>

  /** Closes the resources that the command opened. */
  protected async close(): Promise<void> {}

  override async execute(): Promise<number> {
    try {
      this.format = parseFormat(this.output)
      return (await this.run()) ?? 0
    } catch (error) {
      if (error instanceof ReaderGone) return 0
      const isUsageError = error instanceof CliError && error.kind === 'usage'
      this.context.stderr.write(formatError(error))
      if (isUsageError) this.context.stderr.write(`See octo ${this.path.join(' ')} --help.\n`)
      return exitCodeOf(error)
    } finally {
      await this.close()
    }
  }

  /** Prints data on stdout. Throws when it cannot be written or nobody reads it any more. */
  protected async print(text: string): Promise<void> {
    await writeText(this.context.stdout, text)
  }

  /** Prints records in the format of --output, else in `defaultFormat`. */
  protected async printRecords<Item>(
    records: Records<Item>,
    view: RecordView<Item>,
    defaultFormat: Format,
  ): Promise<void> {
    await this.print(await formatRecords(this.format ?? defaultFormat, records, view))
  }

  /** Prints the record of a command that may have failed. Its failure matters more than a broken stdout. */
  protected async printResult(failure: unknown, printRecord: () => Promise<void>): Promise<void> {
    try {
      await printRecord()
    } catch (error) {
      throw failure ?? error
    }
    if (failure !== null) throw failure
  }

  /** Prints a line on stderr, apart from the data. */
  protected note(text: string): void {
    this.context.stderr.write(`octo: ${toPlainText(text)}\n`)
  }

  /** Width of the terminal; infinite for a file or pipe. */
  protected get columns(): number {
    const { isTTY, columns } = this.context.stdout as unknown as Terminal
    return isTTY ? columns || 80 : Number.POSITIVE_INFINITY
  }
}

/** The name of a deployment: the argument NAME, or -n NAME as in Octopod 1.6. */
export const nameOption = () => nameArgument('NAME', 'name of the deployment, instead of NAME') as string

/** The same for a command that also works without a name. */
export const optionalNameOption = (description: string): string | undefined =>
  nameArgument('[NAME]', description)

/**
 * `[NAME]`: the command also works without it. option-metadata.ts reads the brackets, because clipanion knows no
 * argument that is required unless its option is given.
 */
function nameArgument(argumentName: 'NAME' | '[NAME]', description: string): string | undefined {
  const isRequired = argumentName === 'NAME'
  // The types of clipanion say what the property of a command becomes, not what it is now.
  const option = Option.String('-n,--name', { description }) as unknown as ValueOption
  const argument = Option.String({
    name: isRequired ? '<NAME>' : 'NAME',
    required: false,
  }) as unknown as ValueOption
  return Option.makeCommandOption<string | undefined>({
    definition(builder, key) {
      option.definition(builder, key)
      argument.definition(builder, key)
    },
    transformer(builder, key, state, context) {
      const optionValue = option.transformer(builder, key, state, context)
      const name = argument.transformer(builder, key, state, context) ?? optionValue
      const command = builder.paths[0]?.join(' ')
      if (optionValue !== undefined && name !== optionValue)
        throw new CliError('usage', `${command} needs one name: NAME and -n NAME differ.`)
      if (name === undefined && isRequired) throw new CliError('usage', `${command} needs NAME.`)
      return name
    },
  })
}

type ValueOption = Option.CommandOption<string | undefined>

export const actionDescription = 'id of the action, as octo info and octo actions show it'

/** Rejects an invalid name before it becomes part of a path, and offers a valid one. */
export function parseName(name: string): string {
  const error = describeNameError(name, longestNameLength)
  if (error !== null) throw new CliError('usage', error)
  return name
}

export function parseId(option: string, text: string): number {
  const id = Number(text)
  if (/^\d+$/.test(text) && id > 0 && Number.isSafeInteger(id)) return id
  throw new CliError('usage', `${option} needs a whole number greater than 0, not "${text.slice(0, 40)}".`)
}
