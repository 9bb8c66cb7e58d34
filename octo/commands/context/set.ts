/** `octo context set`: saves an installation under a name, or changes a saved one. Loaded by run.ts. */
import { resolve } from 'node:path'
import { Option } from 'clipanion'
import { isSameAddress, readUrl } from '../../api/address.ts'
import { readAuthorization } from '../../api/connection.ts'
import {
  type ContextsFile,
  contextView,
  parseContextName,
  toContextRecord,
  updateContexts,
} from '../../api/contexts.ts'
import type { Context } from '../../api/types.ts'
import { OctoCommand } from '../../cli/base-command.ts'
import { createInputReader } from '../../cli/stdin.ts'
import { CliError } from '../../errors/cli-error.ts'

export class ContextSet extends OctoCommand {
  static override paths = [['context', 'set']]
  static override usage = OctoCommand.Usage({
    description: 'save an installation under a name',
    details: `
      Options that are not given keep their values. The credential comes from a file, or from stdin with -, so that it
      does not appear in the list of processes. The first saved context becomes the current one.
    `,
    examples: [
      [
        'A new one',
        'octo context set staging --url https://octopod.example.com --authorization-file secret.txt',
      ],
      ['From a password manager', 'pass octopod | octo context set staging --authorization-file -'],
    ],
  })

  name = Option.String({ name: 'NAME' })
  url = Option.String('--url', { description: 'address of the installation' })
  authorization = Option.String('--authorization-file', {
    description: 'file with the value of the Authorization header, - for stdin',
  })
  caFile = Option.String('--ca-file', { description: 'file with certificates to trust' })

  protected async run(): Promise<void> {
    const name = parseContextName(this.name)
    const { env } = this.context
    const authorization = await this.readCredential()
    const { before, after } = await updateContexts(env, (file) => ({
      current: file.current ?? name,
      contexts: [
        ...file.contexts.filter((saved) => saved.name !== name),
        this.change(
          name,
          file.contexts.find((saved) => saved.name === name),
          authorization,
        ),
      ],
    }))
    const find = ({ contexts }: ContextsFile) => contexts.find((saved) => saved.name === name)
    const context = find(after) as Context
    if (find(before)?.authorization !== undefined && context.authorization === undefined)
      this.note(`The credential of context ${name} was for another address and is removed.`)
    if (this.format !== null)
      await this.printRecords({ record: toContextRecord(context, after.current) }, contextView, this.format)
  }

  /** Null: none was given. */
  private async readCredential(): Promise<string | null> {
    if (this.authorization === undefined) return null
    const text = await createInputReader(this.context.stdin)('--authorization-file', this.authorization)
    const authorization = readAuthorization(text, 'the credential')
    if (authorization === null) throw new CliError('usage', 'the credential is empty.')
    return authorization
  }

  private change(name: string, previous: Context | undefined, authorization: string | null): Context {
    const url = this.url ?? previous?.url
    if (url === undefined) throw new CliError('usage', `context set ${name} needs --url for a new context.`)
    readUrl(url, '--url')
    const context: Context = { ...previous, name, url }
    // A credential is never sent to another installation.
    const losesCredential = previous?.authorization !== undefined && !isSameAddress(url, previous.url)
    if (losesCredential || authorization !== null) {
      delete context.authorization
      delete context.is_login
    }
    if (authorization !== null) context.authorization = authorization
    if (this.caFile !== undefined) context.ca_file = resolve(this.caFile)
    return context
  }
}
