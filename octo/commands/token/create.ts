/** `octo token create`: makes an access token, and prints it once. Loaded by run.ts. */
import { Option } from 'clipanion'
import { type Role, roles } from '../../../domain/access/roles.ts'
import { ApiCommand } from '../../cli/api-command.ts'
import { parseId } from '../../cli/base-command.ts'
import { suggestion } from '../../cli/suggestion.ts'
import { CliError } from '../../errors/cli-error.ts'
import { tokenView } from '../../output/tokens.ts'

export class TokenCreate extends ApiCommand {
  static override paths = [['token', 'create']]
  static override usage = ApiCommand.Usage({
    description: 'create an access token; it is printed once',
    details: `
      Programs send it as Authorization: Bearer TOKEN, octo with OCTO_AUTHORIZATION_HEADER="Bearer TOKEN". A token never gives more
      than its owner has when it is used. With --service it belongs to a service of one of your groups. Only the token goes to
      standard output.
    `,
    examples: [
      ['For a job that updates previews', "$0 token create --label previews --role developer --names 'pr-*'"],
      [
        'For a service of a group',
        '$0 token create --label nightly --service deployer --group shop --days 30',
      ],
      ['For somebody else, as an admin', '$0 token create --label laptop --for ann@example.com'],
    ],
  })

  label = Option.String('--label', { required: true, description: 'what the token is for' })
  days = Option.String('--days', '90', { description: 'how many days it counts' })
  role = Option.String('--role', { description: `the highest role that it gives: ${roles.join(', ')}` })
  names = Option.Array('--names', [], {
    description: 'a pattern of deployment names for which it counts; repeatable',
  })
  forPerson = Option.String('--for', { description: 'the person whose token it is, for admins' })
  service = Option.String('--service', { description: 'the name of a service; with --group' })
  group = Option.String('--group', { description: 'the group that owns the service' })

  protected async run(): Promise<void> {
    const { service, group, forPerson, names } = this
    if ((service === undefined) !== (group === undefined))
      throw new CliError('usage', '--service and --group go together: a service belongs to a group.')
    if (service !== undefined && forPerson !== undefined)
      throw new CliError('usage', '--service and --for do not go together.')
    const record = await this.call('createToken', {
      body: {
        label: this.label,
        expires_in_days: parseId('--days', this.days),
        ...(this.role === undefined ? {} : { role: parseRole(this.role) }),
        ...(names.length === 0 ? {} : { names }),
        ...(forPerson === undefined ? {} : { for: forPerson }),
        ...(service === undefined || group === undefined
          ? {}
          : { service: { name: service, owner_group: group } }),
      },
    })
    if (this.format !== null) return this.printRecords({ record }, tokenView, this.format)
    await this.print(`${record.token}\n`)
    this.note(
      `It acts as ${record.name} until ${record.expires_at.slice(0, 10)}. It is shown only now: store it.`,
    )
  }
}

function parseRole(text: string): Role {
  const role = roles.find((known) => known === text)
  if (role !== undefined) return role
  throw new CliError(
    'usage',
    `--role needs one of ${roles.join(', ')}, not "${text.slice(0, 40)}".${suggestion(text, roles)}`,
  )
}
