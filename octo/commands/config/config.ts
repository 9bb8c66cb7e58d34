/** `octo config`: prints defaults and keys of the installation, or the config of a deployment. Loaded by run.ts. */
import { Option } from 'clipanion'
import { type ByLevel, type KeyValue, noOverrides, overridesFromWire } from '../../../domain/overrides.ts'
import { ApiCommand } from '../../cli/api-command.ts'
import { optionalNameOption, parseName } from '../../cli/base-command.ts'
import { readEffectiveConfig } from '../../config/effective-config.ts'
import { shownValue } from '../../config/shown-value.ts'
import { toSingleLine } from '../../output/terminal-text.ts'
import { levelNames } from '../../overrides/level-names.ts'
import {
  deploymentConfigOption,
  deploymentFileOption,
  readOverrides,
} from '../../overrides/parse-overrides.ts'

export class Config extends ApiCommand {
  static override paths = [['config']]
  static override usage = ApiCommand.Usage({
    description: 'show defaults and keys, or the config of a deployment',
    details: `
      Without NAME it prints the defaults of both levels. Application defaults may depend on the deployment config,
      which -o sets as in octo create. With NAME it prints the config that the scripts get: the defaults with the
      overrides of the deployment. With --keys it prints the keys that can be set. Secrets that you may not see are
      *** in text; JSON and YAML have references, which octo update -f takes back for the same deployment.
    `,
    examples: [
      ['The defaults', '$0 config'],
      ['The keys that can be set', '$0 config --keys'],
      ['The config of a deployment', '$0 config feature-1 -o json'],
    ],
  })

  name = optionalNameOption('name of a deployment, instead of NAME')
  deployment = deploymentConfigOption()
  deploymentFile = deploymentFileOption()
  keys = Option.Boolean('--keys', false, { description: 'print keys instead of values' })

  protected async run(): Promise<void> {
    const name = this.name === undefined ? null : parseName(this.name)
    const overrideArguments = {
      deployment: this.deployment,
      valueFiles: { deployment: this.deploymentFile },
    }
    const { deployment: extraOverrides } = await readOverrides(overrideArguments, this.context.stdin)
    const client = await this.client()
    const present = name === null ? null : (await client.call('getFullInfo', { params: { name } })).deployment
    const { application, deployment: stored } = present === null ? noOverrides : overridesFromWire(present)
    const { effective } = await readEffectiveConfig(client, {
      application,
      deployment: [...stored, ...extraOverrides],
    })
    if (!this.keys) return this.show(effective)
    const [deploymentKeys, applicationKeys] = await Promise.all([
      client.call('getDeploymentKeys', {}),
      client.call('getApplicationKeys', { body: effective.deployment }),
    ])
    const toPairs = (keys: string[]): KeyValue[] => keys.map((key) => [key, ''])
    return this.show({ deployment: toPairs(deploymentKeys), application: toPairs(applicationKeys) })
  }

  private async show({ deployment, application }: ByLevel<KeyValue[]>): Promise<void> {
    const { format } = this
    if (format === 'json' || format === 'yaml') {
      const toValue = (pairs: KeyValue[]) =>
        this.keys ? pairs.map(([key]) => key) : Object.fromEntries(pairs)
      const record = {
        [levelNames.deployment]: toValue(deployment),
        [levelNames.application]: toValue(application),
      }
      return this.printRecords({ record }, { name: String, columns: {} }, format)
    }
    const rows = [
      ...deployment.map(([key, value]) => ({ level: levelNames.deployment, key, value })),
      ...application.map(([key, value]) => ({ level: levelNames.application, key, value })),
    ]
    if (format !== null) return this.printRecords(rows, viewFor(this.keys), format)
    const formatLine = ([key, value]: KeyValue) =>
      this.keys ? `  ${toSingleLine(key)}\n` : `  ${toSingleLine(key)}=${toSingleLine(shownValue(value))}\n`
    await this.print(`Deployment config:\n${deployment.map(formatLine).join('')}\n`)
    await this.print(`Application config:\n${application.map(formatLine).join('')}`)
  }
}

type Row = { level: string; key: string; value: string }

const viewFor = (keysOnly: boolean) => ({
  name: ({ key }: Row) => key,
  columns: {
    LEVEL: ({ level }: Row) => level,
    KEY: ({ key }: Row) => key,
    ...(keysOnly ? {} : { VALUE: ({ value }: Row) => shownValue(value) }),
  },
})
