/** `octo create`: a new deployment with its overrides, or with --or-update the one that is there. Loaded by run.ts. */
import { Option } from 'clipanion'
import { type Begun, ChangeCommand, type Tools } from '../change.ts'
import { checkedName, nameOption } from '../command.ts'
import { Failure } from '../failure.ts'
import { appOption, deploymentOption, fileOption, readOverrides } from '../overrides.ts'

export class Create extends ChangeCommand {
  static override paths = [['create']]
  static override usage = ChangeCommand.Usage({
    description: 'create a deployment',
    details: `
      What is not set keeps the default of the installation. The command ends when the creation was accepted, with
      --wait when the deployment runs. With --or-update it updates a deployment that is there already, as octo update
      does, and restores an archived one first.
    `,
    examples: [
      ['Create a deployment of one image', '$0 create -n feature-1 -e image.tag=v2'],
      [
        'Set config of both levels',
        '$0 create -n feature-1 -e image.tag=v2 -e greeting="Hello, you" -o replicas=2',
      ],
      [
        'From a file, the tag of this push on top',
        '$0 create -n feature-1 -f overrides.yaml -e image.tag=v2',
      ],
      [
        'One call per push in CI',
        '$0 create -n feature-1 --or-update -e image.tag=$SHA --wait --follow --timeout 15m',
      ],
    ],
  })

  name = nameOption()
  app = appOption()
  deployment = deploymentOption()
  file = fileOption()
  orUpdate = Option.Boolean('--or-update', false, { description: 'update it when it is there already' })

  protected async begin(tools: Tools): Promise<Begun> {
    const name = checkedName(this.name)
    const given = { app: this.app, deployment: this.deployment, files: this.file }
    const overrides = await readOverrides(given, this.context.stdin)
    const body = { name, app_overrides: overrides.app, deployment_overrides: overrides.deployment }
    try {
      const { actionId } = await tools.octopod.ask('createDeployment', { body }, tools.extra)
      return { kind: 'create', name, actionId }
    } catch (error) {
      if (!this.orUpdate || !(error instanceof Failure) || error.code !== 'name_taken') throw error
    }
    const { updateExisting } = await import('../upsert.ts')
    return updateExisting(tools, name, overrides)
  }
}
