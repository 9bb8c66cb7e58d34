/**
 * What all commands have in common: failures turned into words and exit codes, and the options many of them share.
 * Base of every class in commands/, run by run.ts.
 */
import { Command, type CommandClass, Option } from 'clipanion'
import { nameProblem } from '../domain/name.ts'
import { exitCodeOf, Failure, words } from './failure.ts'
import { checkedFormat, type Format, type Look, type Records, shown } from './output.ts'
import type { Screen } from './progress.ts'

export abstract class OctoCommand extends Command {
  output = Option.String('--output', { description: 'json, jsonl, table, name or yaml' })
  /** What --output asks for; null where nothing was asked for. */
  protected format: Format | null = null

  /** The command's own work; throws a Failure when it cannot be done. Answers with an exit code other than 0. */
  // biome-ignore lint/suspicious/noConfusingVoidType: most commands answer nothing
  protected abstract act(): Promise<number | void>

  /** Closes what the command opened. */
  protected async leave(): Promise<void> {}

  override async execute(): Promise<number> {
    try {
      this.format = checkedFormat(this.output)
      return (await this.act()) ?? 0
    } catch (error) {
      const typedWrongly = error instanceof Failure && error.kind === 'usage'
      this.context.stderr.write(words(error))
      if (typedWrongly) this.context.stderr.write(`\n${await this.usageWords()}`)
      return exitCodeOf(error)
    } finally {
      await this.leave()
    }
  }

  protected print(text: string): void {
    this.context.stdout.write(text)
  }

  /** Records in the form asked for, else as `otherwise`. */
  protected async tell<Item>(records: Records<Item>, look: Look<Item>, otherwise: Format): Promise<void> {
    this.print(await shown(this.format ?? otherwise, records, look))
  }

  /** A line for people, beside the data. */
  protected note(text: string): void {
    this.context.stderr.write(`octo: ${text}\n`)
  }

  private async usageWords(): Promise<string> {
    const { usageLine } = await import('./help.ts')
    return usageLine(this.constructor as CommandClass)
  }

  /** Columns of the terminal; what is piped has no edge. */
  protected get columns(): number {
    const { isTTY, columns } = this.context.stdout as unknown as Screen
    return isTTY ? columns || 80 : Number.POSITIVE_INFINITY
  }
}

export const nameOption = () =>
  Option.String('-n,--name', { required: true, description: 'name of the deployment' })

export const actionDescription = 'id of the action, as octo info and octo actions show it'

/** An empty or odd name must not become part of a path. */
export function checkedName(name: string): string {
  const problem = nameProblem(name)
  if (problem !== null) throw new Failure('usage', problem)
  return name
}

export function checkedId(option: string, text: string): number {
  const id = Number(text)
  if (/^\d+$/.test(text) && id > 0 && Number.isSafeInteger(id)) return id
  throw new Failure('usage', `${option} needs a whole number above 0, not "${text.slice(0, 40)}".`)
}
