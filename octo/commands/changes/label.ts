/** `octo label`: shows, sets and removes labels of a deployment, and its title. Loaded by run.ts. */
import { Option } from 'clipanion'
import type { FullInfo } from '../../../domain/schemas.ts'
import { dryRunOption, givenNames, isBulk, runBulk, yesOption } from '../../bulk/run-bulk.ts'
import { ApiCommand } from '../../cli/api-command.ts'
import { parseName } from '../../cli/base-command.ts'
import { CliError } from '../../errors/cli-error.ts'
import { parseLabelWords, parseTitle, selectorOption, titleOption } from '../../labels/parse-labels.ts'
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
      ['By labels: first look, then do it', '$0 label -l team=shop env=qa --dry-run'],
      ['No title', '$0 label feature-1 --title ""'],
    ],
  })

  static readonly restNames = ['NAME', 'KEY=VALUE', 'KEY-']
  words = Option.Rest({ name: 'NAME' })
  nameOption = Option.String('-n,--name', { description: 'name of the deployment, instead of NAME' })
  title = titleOption()
  selector = selectorOption()
  dryRun = dryRunOption()
  yes = yesOption()

  protected async run(): Promise<number> {
    const { set, remove, names: words } = parseLabelWords(this.words)
    const names = givenNames('label', this.nameOption, words)
    const { selector, dryRun, yes } = this
    const options = { names, selector, dryRun, yes }
    if (isBulk(options)) {
      if (this.title !== undefined) throw new CliError('usage', '--title goes with one deployment.')
      if (Object.keys(set).length + remove.length === 0)
        throw new CliError('usage', 'label needs KEY=VALUE or KEY- for several deployments.')
      return runBulk(this.bulkHost(), 'Label', { operation: 'label', labels: { set, remove } }, options)
    }
    const [name] = names
    if (name === undefined) throw new CliError('usage', 'label needs NAME.')
    const params = { name: parseName(name) }
    const title = parseTitle(this.title)
    const hasChange = Object.keys(set).length + remove.length > 0 || title !== undefined
    if (hasChange) {
      await this.call('changeLabels', { params, body: { set, remove, title } })
      if (this.format === null) return 0
    }
    const { labels = {}, title: current = null } = await this.call('getFullInfo', { params })
    const record = { name, labels, title: current }
    if (this.format !== null) {
      await this.printRecords({ record }, view, this.format)
      return 0
    }
    const lines = Object.entries(labels).map(([key, value]) => `${key}=${value}\n`)
    await this.print(lines.join(''))
    return 0
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
