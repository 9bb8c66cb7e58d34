/** `octo config`: the defaults of the installation and the keys that may be set, or the config of one deployment. Loaded by run.ts. */
import { Option } from 'clipanion'
import type { Pair } from '../../domain/overrides.ts'
import { checkedName } from '../command.ts'
import { type Both, configOf } from '../effective.ts'
import { OnlineCommand } from '../online.ts'
import { deploymentOption, readOverrides } from '../overrides.ts'
import { oneLine } from '../text.ts'

export class Config extends OnlineCommand {
  static override paths = [['config']]
  static override usage = OnlineCommand.Usage({
    description: 'show defaults and keys, or the config of a deployment',
    details: `
      Without -n the defaults of both levels; application defaults may depend on the deployment config, which -o sets as
      in octo create. With -n the config the scripts get: defaults with the overrides of the deployment on top. With
      --keys the keys that may be set.
    `,
    examples: [
      ['What is set by default', '$0 config'],
      ['What may be set', '$0 config --keys'],
      ['What a deployment runs with', '$0 config -n feature-1 -o json'],
    ],
  })

  name = Option.String('-n,--name', { description: 'name of a deployment' })
  deployment = deploymentOption()
  keys = Option.Boolean('--keys', false, { description: 'keys instead of values' })

  protected async act(): Promise<void> {
    const name = this.name === undefined ? null : checkedName(this.name)
    const given = { app: [], deployment: this.deployment, files: [] }
    const { deployment: extra } = await readOverrides(given, this.context.stdin)
    const octopod = await this.octopod()
    const present =
      name === null ? null : (await octopod.call('getFullInfo', { params: { name } })).deployment
    const { effective } = await configOf(octopod, {
      app_overrides: present?.app_overrides ?? [],
      deployment_overrides: [...(present?.deployment_overrides ?? []), ...extra],
    })
    if (!this.keys) return this.show(effective)
    const [deployment, application] = await Promise.all([
      octopod.call('getDeploymentKeys', {}),
      octopod.call('getApplicationKeys', { body: effective.deployment }),
    ])
    const asPairs = (keys: string[]): Pair[] => keys.map((key) => [key, ''])
    return this.show({ deployment: asPairs(deployment), application: asPairs(application) })
  }

  private async show({ deployment, application }: Both<Pair[]>): Promise<void> {
    const { format } = this
    if (format === 'json' || format === 'yaml') {
      const valued = (pairs: Pair[]) => (this.keys ? pairs.map(([key]) => key) : Object.fromEntries(pairs))
      const one = { deployment: valued(deployment), app: valued(application) }
      return this.tell({ one }, { name: String, columns: {} }, format)
    }
    const rows = [
      ...deployment.map(([key, value]) => ({ level: 'deployment', key, value })),
      ...application.map(([key, value]) => ({ level: 'app', key, value })),
    ]
    if (format !== null) return this.tell(rows, look(this.keys), format)
    const line = ([key, value]: Pair) => (this.keys ? `  ${key}\n` : `  ${key}=${oneLine(value)}\n`)
    this.print(`Deployment config:\n${deployment.map(line).join('')}\n`)
    this.print(`Application config:\n${application.map(line).join('')}`)
  }
}

type Row = { level: string; key: string; value: string }

const look = (keysOnly: boolean) => ({
  name: ({ key }: Row) => key,
  columns: {
    LEVEL: ({ level }: Row) => level,
    KEY: ({ key }: Row) => key,
    ...(keysOnly ? {} : { VALUE: ({ value }: Row) => value }),
  },
})
