/**
 * A command that asks the server: which installation, and a client that is opened when the first request is made. Base
 * of most classes in commands/.
 */
import { Option } from 'clipanion'
import type { ApiClient, CallName, RequestOf, ResponseOf } from '../api/client.ts'
import { type Connection, readConnection } from '../api/connection.ts'
import { OctoCommand } from './base-command.ts'

export abstract class ApiCommand extends OctoCommand {
  #octopod: ApiClient | null = null

  contextName = Option.String('--context', { description: 'which installation, as octo context lists them' })

  protected override async close(): Promise<void> {
    await this.#octopod?.close()
  }

  /** zod, undici and the shapes of the API cost more than the rest of octo: nothing else loads them. */
  protected async client(): Promise<ApiClient> {
    if (this.#octopod === null) {
      const connection = await this.connection()
      const { createApiClient } = await import('../api/client.ts')
      this.#octopod = createApiClient(connection)
    }
    return this.#octopod
  }

  protected async call<Name extends CallName>(
    name: Name,
    request: RequestOf<Name>,
  ): Promise<ResponseOf<Name>> {
    return (await this.client()).call(name, request)
  }

  /** By the two variables of the environment, else by a context. */
  protected async connection(): Promise<Connection> {
    const { env } = this.context
    const { contextName } = this
    const url = env.OCTOPOD_URL?.trim() ?? ''
    if (url !== '') {
      if (contextName !== undefined) this.note(`OCTOPOD_URL is set and wins over --context ${contextName}.`)
      return readConnection(env)
    }
    const { chooseContext } = await import('../api/contexts.ts')
    return readConnection(env, chooseContext(env, contextName))
  }
}
