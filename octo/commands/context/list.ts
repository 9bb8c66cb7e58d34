/** `octo context`: the installations kept on this machine. Loaded by run.ts. */

import { contextView, readContexts, toContextRecord } from '../../api/contexts.ts'
import { OctoCommand } from '../../cli/base-command.ts'

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

  protected async run(): Promise<void> {
    const { current, contexts } = readContexts(this.context.env)
    if (contexts.length === 0) this.note('there are none yet: octo context set NAME --url URL')
    const records = contexts.map((context) => toContextRecord(context, current))
    await this.printRecords(records, contextView, 'table')
  }
}
