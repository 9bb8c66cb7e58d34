/** `octo update`: changes overrides of a deployment and keeps all others. Loaded by run.ts. */
import { Option } from 'clipanion'
import type { ActionContext, Started } from '../../actions/action-context.ts'
import { ActionCommand } from '../../cli/action-command.ts'
import { nameOption, parseName } from '../../cli/base-command.ts'
import { noteWaiting, parseWhenBusy, whenBusyOption } from '../../cli/when-busy.ts'
import { createKeyCheck } from '../../config/key-check.ts'
import { updateWithRetry } from '../../config/update-with-retry.ts'
import {
  applicationConfigOption,
  applicationFileOption,
  deploymentConfigOption,
  deploymentFileOption,
  overridesFileOption,
  readOverrides,
  readUnset,
  strictOption,
} from '../../overrides/parse-overrides.ts'

export class Update extends ActionCommand {
  static override paths = [['update']]
  static override usage = ActionCommand.Usage({
    description: 'update a deployment',
    details: `
      Keeps the overrides that are not named. First removes those of -E and -O, so that the default applies again,
      then sets those of -f, -e and -o, then values from files. Without a change it deploys the same config again.
    `,
    examples: [
      ['Another image', '$0 update feature-1 -e image.tag=v3'],
      ['Back to the defaults of two keys', '$0 update feature-1 -E greeting -O replicas'],
      ['A value from a file', '$0 update feature-1 --set-app-config-file motd=motd.txt'],
      ['Behind the running action', '$0 update feature-1 -e image.tag=v3 --when-busy wait --wait'],
      ['Wait until it runs, with the output', '$0 update feature-1 -e image.tag=v3 --wait --follow'],
    ],
  })

  name = nameOption()
  application = applicationConfigOption()
  unsetApplication = Option.Array('-E,--unset-app-env-override', [], {
    description: 'KEY of the application config whose override is removed; repeatable',
  })
  deployment = deploymentConfigOption()
  unsetDeployment = Option.Array('-O,--unset-deployment-override', [], {
    description: 'KEY of the deployment config whose override is removed; repeatable',
  })
  applicationFile = applicationFileOption()
  deploymentFile = deploymentFileOption()
  file = overridesFileOption()
  strict = strictOption()
  whenBusy = whenBusyOption()

  protected async start(context: ActionContext): Promise<Started> {
    const { client } = context
    const name = parseName(this.name)
    const options = { ...context.options, whenBusy: parseWhenBusy(this.whenBusy) }
    const unsetApplication = readUnset('-E', this.unsetApplication)
    const unsetDeployment = readUnset('-O', this.unsetDeployment)
    const overrideArguments = {
      application: this.application,
      deployment: this.deployment,
      files: this.file,
      valueFiles: { application: this.applicationFile, deployment: this.deploymentFile },
    }
    const set = await readOverrides(overrideArguments, this.context.stdin)
    const application = { set: set.application, unset: unsetApplication }
    const deployment = { set: set.deployment, unset: unsetDeployment }
    const unset = { application: unsetApplication, deployment: unsetDeployment }
    const keyCheck = createKeyCheck(this.strict, (text) => this.note(text))
    try {
      const withOptions = { ...context, options }
      const actionId = await updateWithRetry(withOptions, name, { application, deployment }, (stored) =>
        keyCheck.begin(client, { set, unset, stored }),
      )
      return await noteWaiting(withOptions, { kind: 'update', name, actionId })
    } finally {
      await keyCheck.report()
    }
  }
}
