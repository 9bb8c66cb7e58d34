/**
 * A command that asks the server: which installation, and a client that is opened when the first request is made. Base
 * of most classes in commands/.
 */
import { Option } from 'clipanion'
import type { AnswerOf, CallName, Octopod, RequestOf } from './client.ts'
import { OctoCommand } from './command.ts'
import { type Connection, readConnection } from './connection.ts'

export abstract class OnlineCommand extends OctoCommand {
  #octopod: Octopod | null = null

  contextName = Option.String('--context', { description: 'which installation, as octo context lists them' })

  protected override async leave(): Promise<void> {
    await this.#octopod?.close()
  }

  /** zod, undici and the shapes of the API cost more than the rest of octo: nothing else loads them. */
  protected async octopod(): Promise<Octopod> {
    if (this.#octopod === null) {
      const connection = await this.connection()
      const { openClient } = await import('./client.ts')
      this.#octopod = openClient(connection)
    }
    return this.#octopod
  }

  protected async call<Name extends CallName>(name: Name, request: RequestOf<Name>): Promise<AnswerOf<Name>> {
    return (await this.octopod()).call(name, request)
  }

  /** By the two variables of the environment, else by a context. */
  protected async connection(): Promise<Connection> {
    const { env } = this.context
    const { contextName } = this
    const given = env.OCTOPOD_URL?.trim() ?? ''
    if (given !== '') {
      if (contextName !== undefined) this.note(`OCTOPOD_URL is set and wins over --context ${contextName}.`)
      return readConnection(env)
    }
    const { chooseContext } = await import('./contexts.ts')
    return readConnection(env, chooseContext(env, contextName))
  }
}
