/**
 * What all commands have in common: a lazily opened client, failures turned into words and exit codes, and the
 * options many of them share. Base of every class in commands/, run by main.ts.
 */
import { Command, type CommandClass, Option } from 'clipanion'
import { nameProblem } from '../domain/name.ts'
import type { AnswerOf, CallName, Octopod, RequestOf } from './client.ts'
import { readConnection } from './connection.ts'
import { exitCodeOf, Failure, words } from './failure.ts'
import { usageLine } from './usage.ts'

export abstract class OctoCommand extends Command {
  #octopod: Octopod | null = null

  /** The command's own work; throws a Failure when it cannot be done. */
  protected abstract act(): Promise<void>

  override async execute(): Promise<number> {
    try {
      await this.act()
      return 0
    } catch (error) {
      const typedWrongly = error instanceof Failure && error.kind === 'usage'
      const usage = typedWrongly ? `\n${usageLine(this.constructor as CommandClass)}` : ''
      this.context.stderr.write(words(error) + usage)
      return exitCodeOf(error)
    } finally {
      await this.#octopod?.close()
    }
  }

  /** zod, undici and the shapes of the API cost more than the rest of octo: nothing else loads them. */
  protected async call<Name extends CallName>(name: Name, request: RequestOf<Name>): Promise<AnswerOf<Name>> {
    if (this.#octopod === null) {
      const connection = readConnection(this.context.env)
      const { openClient } = await import('./client.ts')
      this.#octopod = openClient(connection)
    }
    return this.#octopod.call(name, request)
  }

  protected print(text: string): void {
    this.context.stdout.write(text)
  }

  /** Columns of the terminal; what is piped has no edge. */
  protected get columns(): number {
    const { stdout } = this.context as { stdout: { isTTY?: boolean; columns?: number } }
    return stdout.isTTY ? (stdout.columns ?? 80) : Number.POSITIVE_INFINITY
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
