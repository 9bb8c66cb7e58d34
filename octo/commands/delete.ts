/** `octo delete`: forgets a deployment without running a script. Loaded by run.ts. */
import { Option } from 'clipanion'
import { checkedKey } from '../change.ts'
import { checkedName, nameOption } from '../command.ts'
import { OnlineCommand } from '../online.ts'
import type { Look } from '../output.ts'

export class Delete extends OnlineCommand {
  static override paths = [['delete']]
  static override usage = OnlineCommand.Usage({
    description: 'forget a deployment',
    details: `Removes the record only: no control script runs, so whatever it left behind stays. Needs the admin credential.`,
    examples: [['Forget a deployment whose resources are gone already', '$0 delete -n feature-1']],
  })

  name = nameOption()
  key = Option.String('--idempotency-key', {
    description: 'a text of your own: the same command with the same key acts once',
  })

  protected async act(): Promise<void> {
    const params = { name: checkedName(this.name) }
    const key = checkedKey(this.key)
    const octopod = await this.octopod()
    await octopod.ask('deleteDeployment', { params }, { key })
    const one = { name: params.name, status: 'gone' }
    if (this.format !== null) await this.tell({ one }, look, this.format)
  }
}

type Told = { name: string; status: string }

const look: Look<Told> = {
  name: ({ name }) => name,
  columns: { NAME: ({ name }) => name, STATUS: ({ status }) => status },
}
