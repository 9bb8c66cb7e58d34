/**
 * Base class of commands that send requests: chooses the installation and creates the API client for the first request.
 * Extended by most classes in commands/.
 */
import { Option } from 'clipanion'
import { readConnection } from '../api/connection.ts'
import type { ApiClient, CallName, Connection, RequestOf, ResponseOf } from '../api/types.ts'
import type { Records, RecordView } from '../output/formatter.ts'
import { OctoCommand } from './base-command.ts'

export abstract class ApiCommand extends OctoCommand {
  #client: ApiClient | null = null

  contextName = Option.String('--context', { description: 'which installation, as octo context lists them' })

  protected override async close(): Promise<void> {
    if (this.#client === null) return
    await this.#client.close()
    await this.warnAboutTokenEnd(this.#client)
  }

  /** Loads client.ts only here, because undici and the schemas are slow to load. */
  protected async client(): Promise<ApiClient> {
    if (this.#client === null) {
      const connection = await this.connection()
      const { createApiClient } = await import('../api/client.ts')
      this.#client = createApiClient(connection)
    }
    return this.#client
  }

  protected async call<Name extends CallName>(
    name: Name,
    request: RequestOf<Name>,
  ): Promise<ResponseOf<Name>> {
    return (await this.client()).call(name, request)
  }

  /** What bulk/run-bulk.ts uses of a command. */
  protected bulkHost() {
    return {
      context: this.context,
      client: () => this.client(),
      note: (text: string) => this.note(text),
      printRecords: <Item>(records: Records<Item>, view: RecordView<Item>) =>
        this.printRecords(records, view, 'table'),
    }
  }

  /** From --context, else from OCTOPOD_URL, else from OCTOPOD_CONTEXT or the current context. */
  protected async connection(): Promise<Connection> {
    const { env } = this.context
    const usesVariables = env.OCTOPOD_URL?.trim() && env.OCTO_AUTHORIZATION_HEADER?.trim()
    if (this.contextName === undefined && usesVariables) return readConnection(env)
    const { chooseSaved } = await import('../api/contexts.ts')
    return readConnection(env, ...chooseSaved(env, this.contextName))
  }

  private async warnAboutTokenEnd({ connection, tokenExpires }: ApiClient): Promise<void> {
    const expiresAt = tokenExpires()
    if (expiresAt === null) return
    const { tokenNotice } = await import('../login/token-notice.ts')
    const notice = tokenNotice(connection, expiresAt, this.context.env)
    if (notice !== null) this.note(notice)
  }
}
