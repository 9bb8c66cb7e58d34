/** `octo update`: changes some overrides of a deployment and leaves the others. Loaded by run.ts. */
import { Option } from 'clipanion'
import { type Begun, ChangeCommand, type Tools } from '../change.ts'
import { checkedName, nameOption } from '../command.ts'
import { appOption, deploymentOption, fileOption, readOverrides, readUnset } from '../overrides.ts'
import { revise } from '../revise.ts'

export class Update extends ChangeCommand {
  static override paths = [['update']]
  static override usage = ChangeCommand.Usage({
    description: 'update a deployment',
    details: `
      Overrides that are not named stay as they are. First those of -E and -O are taken back, so that the default
      counts again, then those of -f, -e and -o are set.
    `,
    examples: [
      ['Another image', '$0 update -n feature-1 -e image.tag=v3'],
      ['Back to the default of a key', '$0 update -n feature-1 -E greeting -O replicas'],
      ['A value from a file', '$0 update -n feature-1 -e motd=@motd.txt'],
      ['Until it runs, with the output', '$0 update -n feature-1 -e image.tag=v3 --wait --follow'],
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
  file = fileOption()

  protected async begin({ octopod, extra }: Tools): Promise<Begun> {
    const name = checkedName(this.name)
    const unsetApp = readUnset('-E', this.unsetApp)
    const unsetDeployment = readUnset('-O', this.unsetDeployment)
    const given = { app: this.app, deployment: this.deployment, files: this.file }
    const set = await readOverrides(given, this.context.stdin)
    const app = { set: set.app, unset: unsetApp }
    const deployment = { set: set.deployment, unset: unsetDeployment }
    return { kind: 'update', name, actionId: await revise(octopod, name, { app, deployment }, extra) }
  }
}
