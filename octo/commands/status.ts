/** `octo status`: runs the check script now and says how the deployment is. Loaded by run.ts. */
import { checkedName, nameOption } from '../command.ts'
import { shownAction, shownStatus } from '../looks.ts'
import { OnlineCommand } from '../online.ts'
import type { Look } from '../output.ts'

export class Status extends OnlineCommand {
  static override paths = [['status']]
  static override usage = OnlineCommand.Usage({
    description: 'run the check of a deployment now',
    details: `Ends with 0 when the check script says that it is up, with 1 when it says that it is not.`,
    examples: [
      ['Is it up?', '$0 status -n feature-1'],
      ['In a script', 'octo status -n feature-1 > /dev/null && echo up'],
    ],
  })

  name = nameOption()
  protected async act(): Promise<number> {
    const params = { name: checkedName(this.name) }
    const { status: check } = await this.call('getStatus', { params })
    const info = await this.call('getFullInfo', { params })
    const one: Told = {
      name: info.deployment.name,
      status: shownStatus(info),
      check,
      last_action: info.last_action === null ? null : shownAction(info.last_action),
      last_check: info.last_check,
    }
    await this.tell({ one }, look, 'table')
    return check === 'Ok' ? 0 : 1
  }
}

type Told = {
  name: string
  status: string
  check: 'Ok' | 'Error'
  last_action: string | null
  last_check: unknown
}

const look: Look<Told> = {
  name: ({ name }) => name,
  columns: {
    NAME: ({ name }) => name,
    STATUS: ({ status }) => status,
    CHECK: ({ check }) => check,
    'LAST ACTION': ({ last_action }) => last_action ?? '',
  },
}
