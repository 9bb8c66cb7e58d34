/** `octo create`: a new deployment with its overrides. Loaded by main.ts. */
import { checkedName, nameOption, OctoCommand } from '../command.ts'
import { appOption, deploymentOption, readSet } from '../overrides.ts'

export class Create extends OctoCommand {
  static override paths = [['create']]
  static override usage = OctoCommand.Usage({
    description: 'create a deployment',
    details: `What is not set keeps the default of the installation. The command ends when the creation was accepted.`,
    examples: [
      ['Create a deployment of one image', '$0 create -n feature-1 -e image.tag=v2'],
      [
        'Set config of both levels',
        '$0 create -n feature-1 -e image.tag=v2 -e greeting="Hello, you" -o replicas=2',
      ],
    ],
  })

  name = nameOption()
  app = appOption()
  deployment = deploymentOption()

  protected async act(): Promise<void> {
    const body = {
      name: checkedName(this.name),
      app_overrides: readSet('-e', this.app),
      deployment_overrides: readSet('-o', this.deployment),
    }
    await this.call('createDeployment', { body })
  }
}
