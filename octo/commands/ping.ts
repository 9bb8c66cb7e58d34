/** `octo ping`: checks that the server responds, and prints its build. Loaded by run.ts. */

import { ApiCommand } from '../cli/api-command.ts'
import type { RecordView } from '../output/formatter.ts'

export class Ping extends ApiCommand {
  static override paths = [['ping']]
  static override usage = ApiCommand.Usage({
    description: 'check that the server responds',
    details: `Needs no credential. The server checks its database before it responds. octo doctor checks more.`,
    examples: [['Does it respond?', '$0 ping']],
  })

  protected async run(): Promise<void> {
    const client = await this.client()
    const startedMs = performance.now()
    const revision = (await client.call('ping', {})).trim()
    const record = {
      url: client.connection.serverAddress,
      revision,
      ms: Math.round(performance.now() - startedMs),
    }
    await this.printRecords({ record }, view, 'table')
  }
}

type PingRecord = { url: string; revision: string; ms: number }

const view: RecordView<PingRecord> = {
  name: ({ url }) => url,
  columns: {
    URL: ({ url }) => url,
    REVISION: ({ revision }) => revision,
    TIME: ({ ms }) => `${ms} ms`,
  },
}
