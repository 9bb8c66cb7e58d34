/** `octo clone`: creates a deployment with the config of another one. Loaded by run.ts. */
import { Option } from 'clipanion'
import type { ActionContext, Started } from '../../actions/action-context.ts'
import { ActionCommand } from '../../cli/action-command.ts'
import { parseName } from '../../cli/base-command.ts'

export class Clone extends ActionCommand {
  static override paths = [['clone']]
  static override usage = ActionCommand.Usage({
    description: 'create a deployment with the config of another one',
    details: `
      Takes the whole config of SOURCE. Secrets that you may not see are copied on the server, if you may update SOURCE.
    `,
    examples: [
      ['A copy', '$0 clone feature-1 feature-2'],
      ['A copy, and wait until it runs', '$0 clone feature-1 feature-2 --wait'],
    ],
  })

  source = Option.String({ name: 'SOURCE' })
  name = Option.String({ name: 'NAME' })

  protected async start({ client, options }: ActionContext): Promise<Started> {
    const [source, name] = [parseName(this.source), parseName(this.name)]
    const request = { params: { name: source }, body: { name } }
    const { actionId } = await client.request('cloneDeployment', request, options)
    return { kind: 'create', name, actionId }
  }
}
