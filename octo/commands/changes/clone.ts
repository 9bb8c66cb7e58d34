/** `octo clone`: creates a deployment with the config of another one. Loaded by run.ts. */
import { Option } from 'clipanion'
import { cloneRequest } from '../../../client/clone-request.ts'
import type { ActionContext, Started } from '../../actions/action-context.ts'
import { parseNewName } from '../../api/deployment-names.ts'
import { ActionCommand } from '../../cli/action-command.ts'
import { parseName } from '../../cli/base-command.ts'
import { parseLabels, parseTitle, titleOption } from '../../labels/parse-labels.ts'

export class Clone extends ActionCommand {
  static override paths = [['clone']]
  static override usage = ActionCommand.Usage({
    description: 'create a deployment with the config of another one',
    details: `
      Takes the whole config of SOURCE, its labels and its title. With --label only the labels given, with --title that title. Secrets that you may not see are copied on the server, if you may update SOURCE.
    `,
    examples: [
      ['A copy', '$0 clone feature-1 feature-2'],
      ['A copy, and wait until it runs', '$0 clone feature-1 feature-2 --wait'],
      ['With another title', '$0 clone feature-1 feature-2 --title "Second try"'],
    ],
  })

  source = Option.String({ name: 'SOURCE' })
  name = Option.String({ name: 'NAME' })
  label = Option.Array('--label', [], { description: 'KEY=VALUE of a label; repeatable' })
  title = titleOption()

  protected async start({ client, options }: ActionContext): Promise<Started> {
    const source = parseName(this.source)
    const name = await parseNewName(client, this.name)
    const given = {
      labels: this.label.length === 0 ? undefined : parseLabels(this.label),
      title: parseTitle(this.title),
    }
    const params = { name: source }
    const info = await client.call('getFullInfo', { params })
    const request = { params, body: cloneRequest(info, name, given) }
    const { actionId } = await client.request('cloneDeployment', request, options)
    return { kind: 'create', name, actionId }
  }
}
