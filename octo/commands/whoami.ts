/** `octo whoami`: which installation, which role, and the name an action would be kept under. Loaded by run.ts. */

import { ApiCommand } from '../cli/api-command.ts'
import { serverAddress } from '../errors/network.ts'
import type { RecordView } from '../output/formatter.ts'

export class Whoami extends ApiCommand {
  static override paths = [['whoami']]
  static override usage = ApiCommand.Usage({
    description: 'tell what the credential allows, and as whom the server knows you',
    examples: [
      ['Who am I here?', '$0 whoami'],
      ['May I clean up?', '$0 whoami -o json | jq -e \'.role == "admin"\''],
    ],
  })

  protected async run(): Promise<void> {
    const client = await this.client()
    const one = { ...(await client.call('whoami', {})), url: serverAddress(client.connection) }
    await this.printRecords({ one }, view, 'table')
  }
}

type WhoamiRecord = { actor: string; role: string; source: string; project: string; url: string }

const view: RecordView<WhoamiRecord> = {
  name: ({ actor }) => actor,
  columns: {
    WHO: ({ actor }) => actor,
    ROLE: ({ role }) => role,
    SOURCE: ({ source }) => source,
    PROJECT: ({ project }) => project,
    URL: ({ url }) => url,
  },
}
