/** `octo context`: the installations kept on this machine. Loaded by run.ts. */
import { OctoCommand } from '../../command.ts'
import { readContexts } from '../../contexts.ts'
import { checkedFormat, type Look, outputOption, shown } from '../../output.ts'

export class ContextList extends OctoCommand {
  static override paths = [['context']]
  static override usage = OctoCommand.Usage({
    description: 'list the installations kept here; set, use and remove one',
    details: `
      A context is an address with its credential under a name, for people who use several installations. OCTOPOD_URL
      and OCTO_AUTHORIZATION_HEADER always win over it.
    `,
    examples: [
      ['Which are there?', '$0 context'],
      ['Keep one', '$0 context set staging --url https://octopod.example.com --authorization-file -'],
      ['Use another from now on', '$0 context use staging'],
      ['Once only', '$0 list --context staging'],
    ],
  })

  output = outputOption()

  protected async act(): Promise<void> {
    const format = checkedFormat(this.output) ?? 'table'
    const { current, contexts } = readContexts(this.context.env)
    const told = contexts.map(({ name, url, authorization, ca_file }) => ({
      name,
      url,
      current: name === current,
      credential: authorization !== undefined,
      ca_file: ca_file ?? null,
    }))
    this.print(await shown(format, told, look))
  }
}

type Told = { name: string; url: string; current: boolean; credential: boolean; ca_file: string | null }

const look: Look<Told> = {
  name: ({ name }) => name,
  columns: {
    CURRENT: ({ current }) => (current ? '*' : ''),
    NAME: ({ name }) => name,
    URL: ({ url }) => url,
    CREDENTIAL: ({ credential }) => (credential ? 'kept' : ''),
    'CA FILE': ({ ca_file }) => ca_file ?? '',
  },
}
