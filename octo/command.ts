/**
 * What all commands have in common: failures turned into words and exit codes, and the options many of them share.
 * Base of every class in commands/, run by run.ts.
 */
import { Command, type CommandClass, Option } from 'clipanion'
import { nameProblem } from '../domain/name.ts'
import { exitCodeOf, Failure, words } from './failure.ts'
import type { Screen } from './progress.ts'
import { usageLine } from './usage.ts'

export abstract class OctoCommand extends Command {
  /** The command's own work; throws a Failure when it cannot be done. Answers with an exit code other than 0. */
  // biome-ignore lint/suspicious/noConfusingVoidType: most commands answer nothing
  protected abstract act(): Promise<number | void>

  /** Closes what the command opened. */
  protected async leave(): Promise<void> {}

  override async execute(): Promise<number> {
    try {
      return (await this.act()) ?? 0
    } catch (error) {
      const typedWrongly = error instanceof Failure && error.kind === 'usage'
      const usage = typedWrongly ? `\n${usageLine(this.constructor as CommandClass)}` : ''
      this.context.stderr.write(words(error) + usage)
      return exitCodeOf(error)
    } finally {
      await this.leave()
    }
  }

  protected print(text: string): void {
    this.context.stdout.write(text)
  }

  /** A line for people, beside the data. */
  protected note(text: string): void {
    this.context.stderr.write(`octo: ${text}\n`)
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
