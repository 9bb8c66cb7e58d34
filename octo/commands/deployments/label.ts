/** `octo label`: shows, sets and removes labels of a deployment, and its title. Loaded by run.ts. */
import { Option } from 'clipanion'
import type { FullInfo } from '../../../domain/schemas.ts'
import { ApiCommand } from '../../cli/api-command.ts'
import { parseName } from '../../cli/base-command.ts'
import { CliError } from '../../errors/cli-error.ts'
import { parseLabelWords, parseTitle, titleOption } from '../../labels/parse-labels.ts'
import type { RecordView } from '../../output/formatter.ts'
import { labelsText } from '../../output/identity.ts'

export class Label extends ApiCommand {
  static override paths = [['label']]
  static override usage = ApiCommand.Usage({
    description: 'show or change the labels and the title of a deployment',
    details: `
      KEY=VALUE sets a label, KEY- removes it. Without changes the labels are printed. Keys and values are as in Kubernetes: at most
      63 letters, digits, -, _ and .; a key may begin with a DNS name and /. octo list -l finds deployments by labels.
    `,
    examples: [
      ['Which labels has it?', '$0 label feature-1'],
      ['Set one, remove one', '$0 label feature-1 team=shop old-'],
      ['A title', '$0 label feature-1 --title "New search"'],
      ['No title', '$0 label feature-1 --title ""'],
    ],
  })

  words = Option.Rest({ name: 'NAME' })
  nameOption = Option.String('-n,--name', { description: 'name of the deployment, instead of NAME' })
  title = titleOption()

  protected async run(): Promise<void> {
    const { set, remove, names } = parseLabelWords(this.words)
    const [name, extra] = this.nameOption === undefined ? names : [this.nameOption, ...names]
    if (name === undefined) throw new CliError('usage', 'label needs NAME.')
    if (extra !== undefined)
      throw new CliError(
        'usage',
        `label does not understand ${JSON.stringify(extra)}: write KEY=VALUE or KEY-.`,
      )
    const params = { name: parseName(name) }
    const title = parseTitle(this.title)
    const hasChange = Object.keys(set).length + remove.length > 0 || title !== undefined
    if (hasChange) {
      await this.call('changeLabels', { params, body: { set, remove, title } })
      if (this.format === null) return
    }
    const { labels = {}, title: current = null } = await this.call('getFullInfo', { params })
    const record = { name, labels, title: current }
    if (this.format !== null) return this.printRecords({ record }, view, this.format)
    const lines = Object.entries(labels).map(([key, value]) => `${key}=${value}\n`)
    await this.print(lines.join(''))
  }
}

type LabelRecord = { name: string; labels: NonNullable<FullInfo['labels']>; title: string | null }

const view: RecordView<LabelRecord> = {
  name: ({ name }) => name,
  columns: {
    NAME: ({ name }) => name,
    LABELS: labelsText,
    TITLE: ({ title }) => title ?? '',
  },
}
