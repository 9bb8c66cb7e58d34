/** `octo diff`: compares a config with the defaults, two deployments, or two actions. Loaded by run.ts. */
import { Option } from 'clipanion'
import { type ByLevel, type KeyValue, type Override, overridesFromWire } from '../../../domain/overrides.ts'
import type { ApiClient } from '../../api/types.ts'
import { ApiCommand } from '../../cli/api-command.ts'
import { actionDescription, parseId, parseName } from '../../cli/base-command.ts'
import { diffConfigs, hideSecrets } from '../../config/diff.ts'
import { readEffectiveConfig } from '../../config/effective-config.ts'
import { CliError } from '../../errors/cli-error.ts'
import { levelNames } from '../../overrides/level-names.ts'
import { overridesFileOption, readOverrides } from '../../overrides/parse-overrides.ts'
import { differenceLines, differenceView } from '../../overrides/show-differences.ts'

/** `ofOneDeployment`: references to secrets can be compared. */
type Sides = { before: ByLevel<KeyValue[]>; after: ByLevel<KeyValue[]>; ofOneDeployment: boolean }

type Compared = ReturnType<typeof hideSecrets>

export class Diff extends ApiCommand {
  static override paths = [['diff']]
  static override usage = ApiCommand.Usage({
    description: 'compare config with the defaults, of two deployments, or of two actions',
    details: `
      With one name it compares the config of a deployment with the defaults, with two names the config of two
      deployments, with a name and -f the config now with that after octo update -f, with two -a the overrides of two actions. The exit code is 0; with --exit-code it is 1 when there is a
      difference. Secrets that you may not see are ***; those of two deployments cannot be compared.
    `,
    examples: [
      ['Differences from the defaults', '$0 diff feature-1'],
      ['Two deployments', '$0 diff feature-1 feature-2'],
      ['What would octo update -f change?', '$0 diff feature-1 -f overrides.yaml'],
      ['Changes between two actions', '$0 diff -a 41 -a 42'],
    ],
  })

  names = Option.Array('-n,--name', [], {
    description: 'name of a deployment, once or twice, instead of NAME',
  })
  first = Option.String({ name: 'NAME', required: false })
  second = Option.String({ name: 'OTHER', required: false })
  actions = Option.Array('-a,--action', [], { description: `${actionDescription}, twice` })
  files = overridesFileOption()
  exitCode = Option.Boolean('--exit-code', false, { description: 'exit with 1 when there is a difference' })

  protected async run(): Promise<number> {
    const compare = this.files.length === 0 ? this.createComparison() : await this.createFileComparison()
    const { differences, notCompared } = await compare(await this.client())
    if (notCompared.length > 0) this.note(`Secret in both, not compared: ${notCompared.join(', ')}.`)
    if (this.format !== null) await this.printRecords(differences, differenceView, this.format)
    else await this.print(differenceLines(differences, this.context))
    return this.exitCode && differences.length > 0 ? 1 : 0
  }

  private createComparison(): (client: ApiClient) => Promise<Compared> {
    const readSides = this.createReader()
    return async (client) => {
      const { before, after, ofOneDeployment } = await readSides(client)
      return hideSecrets(
        [
          ...diffConfigs(levelNames.deployment, before.deployment, after.deployment),
          ...diffConfigs(levelNames.application, before.application, after.application),
        ],
        ofOneDeployment,
      )
    }
  }

  /** What octo update with these files would change. */
  private async createFileComparison(): Promise<(client: ApiClient) => Promise<Compared>> {
    const [name, other] = this.allNames()
    if (name === undefined || other !== undefined || this.actions.length > 0)
      throw new CliError('usage', 'diff -f needs one name.')
    const set = await readOverrides({ files: this.files }, this.context.stdin)
    return async (client) => {
      const { planChange, planDifferences } = await import('../../overrides/plan-change.ts')
      const plan = await planChange(client, name, set)
      if (plan.info === null) throw new CliError('refused', `Deployment ${name} not found.`)
      return { differences: await planDifferences(client, plan), notCompared: [] }
    }
  }

  private allNames(): string[] {
    const words = [this.first, this.second].filter((word) => word !== undefined)
    if (words.length > 0 && this.names.length > 0)
      throw new CliError('usage', 'diff needs NAME or -n NAME, not both.')
    return [...words, ...this.names].map(parseName)
  }

  private createReader(): (client: ApiClient) => Promise<Sides> {
    const names = this.allNames()
    const actionIds = this.actions.map((id) => parseId('-a', id))
    const [firstName, secondName] = names
    if (firstName !== undefined && names.length <= 2 && actionIds.length === 0) {
      return async (client) => {
        const config = await readDeploymentConfig(client, firstName)
        if (secondName === undefined)
          return { before: config.defaults, after: config.effective, ofOneDeployment: true }
        const { effective } = await readDeploymentConfig(client, secondName)
        return { before: config.effective, after: effective, ofOneDeployment: firstName === secondName }
      }
    }
    if (names.length > 0 || actionIds.length !== 2) {
      throw new CliError('usage', 'diff needs one or two names, or -a ID twice.')
    }
    return async (client) => {
      const [before, after] = await Promise.all(actionIds.map((id) => readActionOverrides(client, id)))
      if (before === undefined || after === undefined) throw new TypeError('expected two actions')
      const ofOneDeployment = before.deploymentName === after.deploymentName
      return { before: before.overrides, after: after.overrides, ofOneDeployment }
    }
  }
}

async function readDeploymentConfig(client: ApiClient, name: string) {
  const { deployment } = await client.call('getFullInfo', { params: { name } })
  return readEffectiveConfig(client, overridesFromWire(deployment))
}

async function readActionOverrides(
  client: ApiClient,
  action_id: number,
): Promise<{ deploymentName: string; overrides: ByLevel<KeyValue[]> }> {
  const action = await client.call('getAction', { params: { action_id } })
  const pairs = (overrides: Override[]): KeyValue[] =>
    overrides.map(([key, value]) => [key, value.tag === 'ValueAdded' ? value.contents : '<<REMOVED>>'])
  const { application, deployment } = overridesFromWire(action)
  return {
    deploymentName: action.deployment,
    overrides: { application: pairs(application), deployment: pairs(deployment) },
  }
}
