/** `octo context`: lists the installations saved on this machine. Loaded by run.ts. */

import { contextView, readContexts, toContextRecord } from '../../api/contexts.ts'
import { OctoCommand } from '../../cli/base-command.ts'

export class ContextList extends OctoCommand {
  static override paths = [['context']]
  static override usage = OctoCommand.Usage({
    description: 'list the saved installations; set, use or remove one',
    details: `
      A context is an address with its credential, saved under a name, for people who use several installations.
      OCTOPOD_URL overrides it, and --context overrides both.
    `,
    examples: [
      ['All contexts', '$0 context'],
      ['Save one', '$0 context set staging --url https://octopod.example.com --authorization-file -'],
      ['Use another from now on', '$0 context use staging'],
      ['For one command', '$0 list --context staging'],
    ],
  })

  protected async run(): Promise<void> {
    const { current, contexts } = readContexts(this.context.env)
    if (contexts.length === 0)
      this.note('there are no contexts yet. Save one: octo context set NAME --url URL')
    const records = contexts.map((context) => toContextRecord(context, current))
    await this.printRecords(records, contextView, 'table')
  }
}
