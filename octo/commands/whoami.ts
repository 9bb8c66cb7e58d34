/** `octo whoami`: which installation, which role, and the name an action would be kept under. Loaded by run.ts. */
import { place } from '../fault.ts'
import { OnlineCommand } from '../online.ts'
import type { Look } from '../output.ts'

export class Whoami extends OnlineCommand {
  static override paths = [['whoami']]
  static override usage = OnlineCommand.Usage({
    description: 'tell what the credential allows, and as whom the server knows you',
    examples: [
      ['Who am I here?', '$0 whoami'],
      ['May I clean up?', '$0 whoami -o json | jq -e \'.role == "admin"\''],
    ],
  })

  protected async act(): Promise<void> {
    const octopod = await this.octopod()
    const one = { ...(await octopod.call('whoami', {})), url: place(octopod.connection) }
    await this.tell({ one }, look, 'table')
  }
}

type Told = { actor: string; role: string; source: string; project: string; url: string }

const look: Look<Told> = {
  name: ({ actor }) => actor,
  columns: {
    WHO: ({ actor }) => actor,
    ROLE: ({ role }) => role,
    SOURCE: ({ source }) => source,
    PROJECT: ({ project }) => project,
    URL: ({ url }) => url,
  },
}
