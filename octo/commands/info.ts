/** `octo info`: the config, the links and the finished actions of a deployment. Loaded by run.ts. */
import { kindOfWire } from '../../domain/action.ts'
import type { ActionLog, Info as DeploymentInfo } from '../../domain/shapes.ts'
import { checkedName, nameOption } from '../command.ts'
import { Failure } from '../failure.ts'
import { deploymentLook } from '../looks.ts'
import { OnlineCommand } from '../online.ts'
import { boxOfOverrides, cellOfOverrides, grid, seconds } from '../print.ts'
import { oneLine } from '../text.ts'

export class Info extends OnlineCommand {
  static override paths = [['info']]
  static override usage = OnlineCommand.Usage({
    description: 'show a deployment',
    details: `Its overrides of both levels, its links and its finished actions, newest first. Times are UTC.`,
    examples: [
      ['One deployment', '$0 info -n feature-1'],
      ['Its first link', '$0 info -n feature-1 -o json | jq -r .metadata[0].link'],
    ],
  })

  name = nameOption()

  protected async act(): Promise<void> {
    const name = checkedName(this.name)
    if (this.format !== null) {
      const one = await this.call('getFullInfo', { params: { name } })
      return this.tell({ one }, deploymentLook, this.format)
    }
    const [info] = await this.call('getInfo', { params: { name } })
    if (info === undefined) throw new Failure('refused', `Deployment ${name} not found.`)
    this.print(page(info, this.columns))
  }
}

function page({ deployment, metadata, logs }: DeploymentInfo, columns: number): string {
  return [
    'Current settings:',
    'Application config:',
    ...boxOfOverrides(deployment.app_overrides, columns),
    '',
    'Deployment config: ',
    ...boxOfOverrides(deployment.deployment_overrides, columns),
    '',
    'Metadata: ',
    ...metadata.map(({ name, link }) => `  ${oneLine(name)}: ${oneLine(link)}`),
    '',
    'Last logs:',
    ...grid(headings, logs.map(row), columns),
    '',
  ].join('\n')
}

const headings = ['Created at', 'Action id', 'Action', 'App config', 'Deployment config', 'Exit code']

function row(log: ActionLog): string[][] {
  return [
    [seconds(log.created_at)],
    [String(log.action_id)],
    [kindOfWire(log.action)],
    cellOfOverrides(log.deployment_app_overrides),
    cellOfOverrides(log.deployment_dep_overrides),
    [String(log.exit_code)],
  ]
}
