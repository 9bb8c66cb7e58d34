/**
 * `octo whoami`: the installation, the role, and the name that the server would store with an action. Loaded by
 * run.ts.
 */

import { describeCredentialProblem } from '../api/credential-problem.ts'
import { ApiCommand } from '../cli/api-command.ts'
import type { RecordView } from '../output/formatter.ts'

export class Whoami extends ApiCommand {
  static override paths = [['whoami']]
  static override usage = ApiCommand.Usage({
    description: 'show the role of your credential and your name on the server',
    examples: [
      ['Who am I?', '$0 whoami'],
      ['May I run cleanup?', '$0 whoami -o json | jq -e \'.role == "admin"\''],
    ],
  })

  protected async run(): Promise<void> {
    const client = await this.client()
    const record = { ...(await client.call('whoami', {})), url: client.connection.serverAddress }
    const problem = describeCredentialProblem(client.connection, record.credential_recognized)
    if (problem !== null) this.note(`${problem.detail}.`)
    await this.printRecords({ record }, view, 'table')
  }
}

type WhoamiRecord = { actor: string; role: string | null; source: string; project: string; url: string }

const view: RecordView<WhoamiRecord> = {
  name: ({ actor }) => actor,
  columns: {
    WHO: ({ actor }) => actor,
    ROLE: ({ role }) => role ?? 'none',
    SOURCE: ({ source }) => source,
    PROJECT: ({ project }) => project,
    URL: ({ url }) => url,
  },
}
