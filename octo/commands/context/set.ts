/** `octo context set`: keeps an installation under a name, or changes one. Loaded by run.ts. */
import { resolve } from 'node:path'
import { Option } from 'clipanion'
import { OctoCommand } from '../../command.ts'
import { type Place, readAuthorization, readUrl } from '../../connection.ts'
import { contextLook, readContexts, toldOf, writeContexts } from '../../contexts.ts'
import { Failure } from '../../failure.ts'
import { openInput } from '../../input.ts'

export class ContextSet extends OctoCommand {
  static override paths = [['context', 'set']]
  static override usage = OctoCommand.Usage({
    description: 'keep an installation under a name',
    details: `
      What is not given stays as it is. The credential is read from a file, or from stdin with -, so that it never
      stands in the list of processes. The first context is used from then on.
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
  ca = Option.String('--ca-file', { description: 'file with certificates to trust' })

  protected async act(): Promise<void> {
    const name = checkedContext(this.name)
    const { env, stdin } = this.context
    const kept = readContexts(env)
    const before = kept.contexts.find((one) => one.name === name)
    const url = this.url ?? before?.url
    if (url === undefined) throw new Failure('usage', `context set ${name} needs --url: it is a new one.`)
    readUrl(url, '--url')
    const place: Place = { ...before, name, url }
    if (this.authorization !== undefined) {
      const text = await openInput(stdin)('--authorization-file', this.authorization)
      const authorization = readAuthorization(text, 'the credential')
      if (authorization === null) throw new Failure('usage', 'the credential is empty.')
      place.authorization = authorization
    }
    if (this.ca !== undefined) place.ca_file = resolve(this.ca)
    const contexts = [...kept.contexts.filter((one) => one.name !== name), place]
    const current = kept.current ?? name
    writeContexts(env, { current, contexts })
    if (this.format !== null) await this.tell({ one: toldOf(place, current) }, contextLook, this.format)
  }
}

function checkedContext(name: string): string {
  if (/^[A-Za-z0-9][A-Za-z0-9._-]{0,39}$/.test(name)) return name
  throw new Failure('usage', 'the name of a context has 1 to 40 of a-z, A-Z, 0-9, ., _ and -.')
}
