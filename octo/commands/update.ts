/** `octo update`: changes some overrides of a deployment and leaves the others. Loaded by main.ts. */
import { Option } from 'clipanion'
import { changeOverrides } from '../../domain/overrides.ts'
import { checkedName, nameOption, OctoCommand } from '../command.ts'
import { appOption, deploymentOption, readSet, readUnset } from '../overrides.ts'

export class Update extends OctoCommand {
  static override paths = [['update']]
  static override usage = OctoCommand.Usage({
    description: 'update a deployment',
    details: `
      Overrides that are not named stay as they are. First those of -E and -O are taken back, so that the default
      counts again, then those of -e and -o are set.
    `,
    examples: [
      ['Another image', '$0 update -n feature-1 -e image.tag=v3'],
      ['Back to the default of a key', '$0 update -n feature-1 -E greeting -O replicas'],
    ],
  })

  name = nameOption()
  app = appOption()
  unsetApp = Option.Array('-E,--unset-app-env-override', [], {
    description: 'KEY of the application config whose override goes; repeatable',
  })
  deployment = deploymentOption()
  unsetDeployment = Option.Array('-O,--unset-deployment-override', [], {
    description: 'KEY of the deployment config whose override goes; repeatable',
  })

  protected async act(): Promise<void> {
    const params = { name: checkedName(this.name) }
    const app = readSet('-e', this.app)
    const unsetApp = readUnset('-E', this.unsetApp)
    const deployment = readSet('-o', this.deployment)
    const unsetDeployment = readUnset('-O', this.unsetDeployment)

    const present = (await this.call('getFullInfo', { params })).deployment
    const body = {
      app_overrides: changeOverrides(present.app_overrides, app, unsetApp),
      deployment_overrides: changeOverrides(present.deployment_overrides, deployment, unsetDeployment),
    }
    await this.call('updateDeployment', { params, body })
  }
}
