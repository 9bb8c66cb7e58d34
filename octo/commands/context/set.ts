/** `octo context set`: saves an installation under a name, or changes a saved one. Loaded by run.ts. */
import { resolve } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { Option } from 'clipanion'
import { readAuthorization, readUrl } from '../../api/connection.ts'
import { contextView, readContexts, toContextRecord, writeContexts } from '../../api/contexts.ts'
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
    const { env, stdin } = this.context
    const existing = readContexts(env)
    const previous = existing.contexts.find((saved) => saved.name === name)
    const url = this.url ?? previous?.url
    if (url === undefined) throw new CliError('usage', `context set ${name} needs --url for a new context.`)
    const address = readUrl(url, '--url')
    const context: Context = { ...previous, name, url }
    // A credential is never sent to another installation.
    const losesCredential =
      previous?.authorization !== undefined &&
      !isDeepStrictEqual(address, readUrl(previous.url, 'the saved URL'))
    if (losesCredential) delete context.authorization
    if (this.authorization !== undefined) {
      const text = await createInputReader(stdin)('--authorization-file', this.authorization)
      const authorization = readAuthorization(text, 'the credential')
      if (authorization === null) throw new CliError('usage', 'the credential is empty.')
      context.authorization = authorization
    }
    if (this.caFile !== undefined) context.ca_file = resolve(this.caFile)
    const contexts = [...existing.contexts.filter((saved) => saved.name !== name), context]
    const current = existing.current ?? name
    writeContexts(env, { current, contexts })
    if (losesCredential && this.authorization === undefined)
      this.note(`The credential of context ${name} was for another address and is removed.`)
    if (this.format !== null)
      await this.printRecords({ record: toContextRecord(context, current) }, contextView, this.format)
  }
}

function parseContextName(name: string): string {
  if (/^[A-Za-z0-9][A-Za-z0-9._-]{0,39}$/.test(name)) return name
  throw new CliError('usage', 'the name of a context has 1 to 40 characters: a-z, A-Z, 0-9, ., _ and -.')
}
