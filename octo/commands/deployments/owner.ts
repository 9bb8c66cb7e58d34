/** `octo owner`: shows or changes the owner of a deployment. Loaded by run.ts. */
import { Option } from 'clipanion'
import type { FullInfo } from '../../../domain/schemas.ts'
import { ApiCommand } from '../../cli/api-command.ts'
import { parseName } from '../../cli/base-command.ts'
import { CliError } from '../../errors/cli-error.ts'
import type { RecordView } from '../../output/formatter.ts'
import { ownerLabel } from '../../output/identity.ts'

export class Owner extends ApiCommand {
  static override paths = [['owner']]
  static override usage = ApiCommand.Usage({
    description: 'show or change the owner of a deployment',
    details: `
      The owner is who created it. A developer may change only own deployments and those without an owner. The owner and
      operators may give it to somebody who has signed in before, named by subject, e-mail address or name.
    `,
    examples: [
      ['Whose is it?', '$0 owner feature-1'],
      ['Give it to somebody', '$0 owner feature-1 ann@example.com'],
      ['Let every developer change it', '$0 owner feature-1 --none'],
    ],
  })

  first = Option.String({ name: 'NAME', required: false })
  second = Option.String({ name: 'PERSON', required: false })
  nameOption = Option.String('-n,--name', { description: 'name of the deployment, instead of NAME' })
  none = Option.Boolean('--none', false, { description: 'the deployment has no owner from now on' })

  protected async run(): Promise<void> {
    const { name, person } = this.parseArguments()
    const owner = this.none ? null : person
    if (owner !== undefined) {
      await this.call('setOwner', { params: { name }, body: { owner } })
      if (this.format === null) return
    }
    const info = await this.call('getFullInfo', { params: { name } })
    const record = { name, owner: info.owner ?? null }
    if (this.format === null) await this.print(`${ownerLabel(record.owner)}\n`)
    else await this.printRecords({ record }, view, this.format)
  }

  private parseArguments(): { name: string; person: string | undefined } {
    const words = [this.first, this.second].filter((word) => word !== undefined)
    const [name, person, extra] = this.nameOption === undefined ? words : [this.nameOption, ...words]
    if (name === undefined) throw new CliError('usage', 'owner needs NAME.')
    if (extra !== undefined) throw new CliError('usage', 'owner needs NAME or -n NAME, not both.')
    if (person !== undefined && this.none)
      throw new CliError('usage', 'owner needs PERSON or --none, not both.')
    if (person?.trim() === '') throw new CliError('usage', 'PERSON is empty; --none removes the owner.')
    return { name: parseName(name), person }
  }
}

type OwnerRecord = { name: string; owner: FullInfo['owner'] }

const view: RecordView<OwnerRecord> = {
  name: ({ name }) => name,
  columns: {
    NAME: ({ name }) => name,
    OWNER: ({ owner }) => owner?.name ?? '',
    SUBJECT: ({ owner }) => owner?.subject ?? '',
    ISSUER: ({ owner }) => owner?.issuer ?? '',
  },
}
