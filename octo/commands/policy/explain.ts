/** `octo policy explain`: says whether somebody has a right, and which rule gives or denies it. Loaded by run.ts. */
import { Option } from 'clipanion'
import { allRights, type Right } from '../../../domain/access/roles.ts'
import type { ResponseOf } from '../../api/types.ts'
import { ApiCommand } from '../../cli/api-command.ts'
import { optionalNameOption, parseName } from '../../cli/base-command.ts'
import { suggestion } from '../../cli/suggestion.ts'
import { CliError, exitCodes } from '../../errors/cli-error.ts'
import type { RecordView } from '../../output/formatter.ts'
import { grantLabel } from '../../output/identity.ts'
import { toSingleLine } from '../../output/terminal-text.ts'

export class PolicyExplain extends ApiCommand {
  static override paths = [['policy', 'explain']]
  static override usage = ApiCommand.Usage({
    description: 'say who may do what, and why',
    details: `
      Without --as it is about you; about others it needs the role admin. The server knows the groups of a person only while
      that person is signed in: --group adds some. Exit code 0: allowed, 6: not allowed.
    `,
    examples: [
      ['May I archive it?', '$0 policy explain pr-7 --right archive'],
      ['May somebody else?', '$0 policy explain pr-7 --as ann@example.com --right archive'],
      [
        'What would a group change?',
        '$0 policy explain --as ann@example.com --group platform --right delete',
      ],
    ],
  })

  right = Option.String('--right', { required: true, description: `one of ${allRights.join(', ')}` })
  name = optionalNameOption('name of a deployment, instead of NAME; it need not exist')
  as = Option.String('--as', { description: 'a person, by subject, e-mail address or name' })
  groups = Option.Array('--group', [], { description: 'a further group of that person; repeatable' })

  protected async run(): Promise<number> {
    const { as, groups } = this
    if (as === undefined && groups.length > 0) throw new CliError('usage', '--group needs --as.')
    const record = await this.call('explainPolicy', {
      query: {
        right: parseRight(this.right),
        ...(this.name === undefined ? {} : { name: parseName(this.name) }),
        ...(as === undefined ? {} : { as }),
        ...(groups.length === 0 ? {} : { group: groups }),
      },
    })
    if (this.format !== null) await this.printRecords({ record }, view, this.format)
    else await this.print(formatExplanation(record))
    return record.allowed ? 0 : exitCodes.not_allowed
  }
}

function parseRight(text: string): Right {
  const right = allRights.find((known) => known === text)
  if (right !== undefined) return right
  throw new CliError(
    'usage',
    `--right needs one of ${allRights.join(', ')}, not "${text.slice(0, 40)}".${suggestion(text, allRights)}`,
  )
}

type Explanation = ResponseOf<'explainPolicy'>

const formatExplanation = ({ allowed, message, grants }: Explanation) =>
  `${[
    `${allowed ? 'Allowed' : 'Not allowed'}: ${toSingleLine(message)}`,
    ...(grants.length === 0 ? [] : ['Roles, which all count together:']),
    ...grants.map((grant) => `  ${grantLabel(grant)}`),
  ].join('\n')}\n`

const view: RecordView<Explanation> = {
  name: ({ allowed }) => (allowed ? 'allowed' : 'not allowed'),
  columns: {
    ALLOWED: ({ allowed }) => (allowed ? 'yes' : 'no'),
    MESSAGE: ({ message }) => message,
  },
}
