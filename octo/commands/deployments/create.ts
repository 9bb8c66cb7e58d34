/** `octo create`: creates a deployment, or with --or-update updates an existing one. Loaded by run.ts. */
import { Option } from 'clipanion'
import { overridesToWire } from '../../../domain/overrides.ts'
import type { ActionContext, Started } from '../../actions/action-context.ts'
import { parseNewName } from '../../api/deployment-names.ts'
import { ActionCommand } from '../../cli/action-command.ts'
import { nameOption } from '../../cli/base-command.ts'
import { parseWhenBusy, whenBusyOption } from '../../cli/when-busy.ts'
import { createKeyCheck } from '../../config/key-check.ts'
import { CliError } from '../../errors/cli-error.ts'
import { parseLabels, parseTitle, titleOption } from '../../labels/parse-labels.ts'
import {
  applicationConfigOption,
  applicationFileOption,
  deploymentConfigOption,
  deploymentFileOption,
  overridesFileOption,
  readOverrides,
  strictOption,
} from '../../overrides/parse-overrides.ts'
import { differenceLines, differenceView } from '../../overrides/show-differences.ts'

export class Create extends ActionCommand {
  static override paths = [['create']]
  static override usage = ActionCommand.Usage({
    description: 'create a deployment',
    details: `
      Keys without an override have the default of the installation. The command ends when the server has accepted the
      request; with --wait it ends when the deployment runs. With --or-update it updates an existing deployment, as octo
      update does, and restores an archived one first.
    `,
    examples: [
      ['Create a deployment of an image', '$0 create feature-1 -e image.tag=v2'],
      [
        'Set config of both levels',
        '$0 create feature-1 -e image.tag=v2 -e greeting="Hello, you" -o replicas=2',
      ],
      ['With labels and a title', '$0 create feature-1 --label team=shop --title "New search"'],
      ['Overrides from a file, and an image tag', '$0 create feature-1 -f overrides.yaml -e image.tag=v2'],
      [
        'One command for every push in CI',
        '$0 create feature-1 --or-update --when-busy wait -e image.tag=$SHA --wait --timeout 15m',
      ],
    ],
  })

  name = nameOption()
  application = applicationConfigOption()
  deployment = deploymentConfigOption()
  applicationFile = applicationFileOption()
  deploymentFile = deploymentFileOption()
  file = overridesFileOption()
  strict = strictOption()
  label = Option.Array('--label', [], { description: 'KEY=VALUE of a label; repeatable' })
  title = titleOption()
  orUpdate = Option.Boolean('--or-update', false, { description: 'update the deployment if it exists' })
  whenBusy = whenBusyOption()

  dryRun = Option.Boolean('--dry-run', false, {
    description: 'change nothing, and print which config values would differ',
  })

  protected override async run(): Promise<number> {
    if (!this.dryRun) return super.run()
    await this.printPlan()
    return 0
  }

  protected async start(context: ActionContext): Promise<Started> {
    const name = await parseNewName(context.client, this.name)
    const whenBusy = parseWhenBusy(this.whenBusy)
    if (whenBusy !== undefined && !this.orUpdate)
      throw new CliError('usage', '--when-busy needs --or-update.')
    const overrides = await this.readOverrides()
    const labels = this.label.length === 0 ? undefined : parseLabels(this.label)
    const title = parseTitle(this.title) ?? undefined
    const body = { name, ...overridesToWire(overrides), labels, title }
    const keyCheck = createKeyCheck(this.strict, (text) => this.note(text))
    await keyCheck.begin(context.client, { set: overrides })
    try {
      const { actionId } = await context.client.request('createDeployment', { body }, context.options)
      return { kind: 'create', name, actionId }
    } catch (error) {
      if (!this.orUpdate || !(error instanceof CliError) || error.code !== 'name_taken') throw error
    } finally {
      await keyCheck.report()
    }
    const { updateExisting } = await import('../../actions/create-or-update.ts')
    const existing = { ...context, options: { ...context.options, whenBusy } }
    return updateExisting(existing, name, overrides, { set: labels, title })
  }

  private readOverrides() {
    const overrideArguments = {
      application: this.application,
      deployment: this.deployment,
      files: this.file,
      valueFiles: { application: this.applicationFile, deployment: this.deploymentFile },
    }
    return readOverrides(overrideArguments, this.context.stdin)
  }

  /** Only config_check cannot be asked before: the server runs it with the request. */
  private async printPlan(): Promise<void> {
    const client = await this.client()
    const name = await parseNewName(client, this.name)
    const overrides = await this.readOverrides()
    const keyCheck = createKeyCheck(this.strict, (text) => this.note(text))
    await keyCheck.begin(client, { set: overrides })
    const { planChange, planDifferences, requirePossible } = await import('../../overrides/plan-change.ts')
    const plan = await planChange(client, name, overrides)
    if (plan.info !== null && !this.orUpdate)
      throw new CliError('refused', `Deployment ${name} exists.`, `Change it: octo update ${name}`)
    await requirePossible(client, plan)
    const differences = await planDifferences(client, plan)
    await keyCheck.report()
    this.note(`${name} would be ${plan.result}.`)
    if (this.format !== null) return this.printRecords(differences, differenceView, this.format)
    await this.print(differenceLines(differences, this.context))
  }
}
