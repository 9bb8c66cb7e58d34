/** `octo ping`: is the server there, and which build? Loaded by run.ts. */
import { place } from '../fault.ts'
import { OnlineCommand } from '../online.ts'
import type { Look } from '../output.ts'

export class Ping extends OnlineCommand {
  static override paths = [['ping']]
  static override usage = OnlineCommand.Usage({
    description: 'ask the server whether it is there',
    details: `Needs no credential. The server asks its database before it answers. octo doctor looks at more.`,
    examples: [['Is it there?', '$0 ping']],
  })

  protected async act(): Promise<void> {
    const octopod = await this.octopod()
    const begun = performance.now()
    const revision = (await octopod.call('ping', {})).trim()
    const one = { url: place(octopod.connection), revision, ms: Math.round(performance.now() - begun) }
    await this.tell({ one }, look, 'table')
  }
}

type Told = { url: string; revision: string; ms: number }

const look: Look<Told> = {
  name: ({ url }) => url,
  columns: {
    URL: ({ url }) => url,
    REVISION: ({ revision }) => revision,
    TIME: ({ ms }) => `${ms} ms`,
  },
}
