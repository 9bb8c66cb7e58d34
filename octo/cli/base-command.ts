/**
 * What all commands have in common: failures turned into words and exit codes, and the options many of them share.
 * Base of every class in commands/, run by run.ts.
 */
import { Command, type CommandClass, Option } from 'clipanion'
import { deploymentNameError } from '../../domain/deployment-name.ts'
import { CliError, exitCodeOf, formatError } from '../errors/cli-error.ts'
import {
  type Format,
  formatRecords,
  parseFormat,
  type Records,
  type RecordView,
} from '../output/formatter.ts'
import type { Terminal } from '../output/progress.ts'

export abstract class OctoCommand extends Command {
  output = Option.String('--output', { description: 'json, jsonl, table, name or yaml' })
  /** What --output asks for; null where nothing was asked for. */
  protected format: Format | null = null

  /** The command's own work; throws a Failure when it cannot be done. Answers with an exit code other than 0. */
  // biome-ignore lint/suspicious/noConfusingVoidType: most commands answer nothing
  protected abstract run(): Promise<number | void>

  /** Closes what the command opened. */
  protected async close(): Promise<void> {}

  override async execute(): Promise<number> {
    try {
      this.format = parseFormat(this.output)
      return (await this.run()) ?? 0
    } catch (error) {
      const isUsageError = error instanceof CliError && error.kind === 'usage'
      this.context.stderr.write(formatError(error))
      if (isUsageError) this.context.stderr.write(`\n${await this.usageLine()}`)
      return exitCodeOf(error)
    } finally {
      await this.close()
    }
  }

  protected print(text: string): void {
    this.context.stdout.write(text)
  }

  /** Records in the form asked for, else as `otherwise`. */
  protected async printRecords<Item>(
    records: Records<Item>,
    view: RecordView<Item>,
    defaultFormat: Format,
  ): Promise<void> {
    this.print(await formatRecords(this.format ?? defaultFormat, records, view))
  }

  /** A line for people, beside the data. */
  protected note(text: string): void {
    this.context.stderr.write(`octo: ${text}\n`)
  }

  private async usageLine(): Promise<string> {
    const { usageLine } = await import('./help.ts')
    return usageLine(this.constructor as CommandClass)
  }

  /** Columns of the terminal; what is piped has no edge. */
  protected get columns(): number {
    const { isTTY, columns } = this.context.stdout as unknown as Terminal
    return isTTY ? columns || 80 : Number.POSITIVE_INFINITY
  }
}

export const nameOption = () =>
  Option.String('-n,--name', { required: true, description: 'name of the deployment' })

export const actionDescription = 'id of the action, as octo info and octo actions show it'

/** An empty or odd name must not become part of a path. */
export function parseName(name: string): string {
  const problem = deploymentNameError(name)
  if (problem !== null) throw new CliError('usage', problem)
  return name
}

export function parseId(option: string, text: string): number {
  const id = Number(text)
  if (/^\d+$/.test(text) && id > 0 && Number.isSafeInteger(id)) return id
  throw new CliError('usage', `${option} needs a whole number above 0, not "${text.slice(0, 40)}".`)
}
