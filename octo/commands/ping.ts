/** `octo ping`: is the server there, and which build? Loaded by run.ts. */

import { ApiCommand } from '../cli/api-command.ts'
import { serverAddress } from '../errors/network.ts'
import type { RecordView } from '../output/formatter.ts'

export class Ping extends ApiCommand {
  static override paths = [['ping']]
  static override usage = ApiCommand.Usage({
    description: 'ask the server whether it is there',
    details: `Needs no credential. The server asks its database before it answers. octo doctor looks at more.`,
    examples: [['Is it there?', '$0 ping']],
  })

  protected async run(): Promise<void> {
    const client = await this.client()
    const startedMs = performance.now()
    const revision = (await client.call('ping', {})).trim()
    const one = {
      url: serverAddress(client.connection),
      revision,
      ms: Math.round(performance.now() - startedMs),
    }
    await this.printRecords({ one }, view, 'table')
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
