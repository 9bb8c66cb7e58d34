/**
 * `octo whoami`: the installation, the role, and the name that the server would store with an action; with --claims
 * everything that the server knows of the caller. Loaded by run.ts.
 */
import { Option } from 'clipanion'
import { proofs } from '../../domain/access/proof.ts'
import { describeCredentialProblem } from '../api/credential-problem.ts'
import type { ResponseOf } from '../api/types.ts'
import { ApiCommand } from '../cli/api-command.ts'
import { actorLabel } from '../output/actor-label.ts'
import type { RecordView } from '../output/formatter.ts'
import { grantLabel, labelledLines } from '../output/identity.ts'

export class Whoami extends ApiCommand {
  static override paths = [['whoami']]
  static override usage = ApiCommand.Usage({
    description: 'show your role and your name on the server',
    details: `
      With --claims also your subject, issuer, e-mail address and groups, and each role with the rule that gives it. The formats
      of -o always contain them.
    `,
    examples: [
      ['Who am I?', '$0 whoami'],
      ['Why may I do that?', '$0 whoami --claims'],
      ['Am I an admin?', '$0 whoami -o json | jq -e \'.role == "admin"\''],
    ],
  })

  claims = Option.Boolean('--claims', false, {
    description: 'show subject, issuer, e-mail address, groups and roles with their rules',
  })

  protected async run(): Promise<void> {
    const client = await this.client()
    const record = { ...(await client.call('whoami', {})), url: client.connection.serverAddress }
    const problem = describeCredentialProblem(client.connection, record.credential_recognized)
    if (problem !== null) this.note(`${problem.detail}.`)
    if (this.claims && this.format === null) await this.print(formatClaims(record))
    else await this.printRecords({ record }, view, 'table')
  }
}

type WhoamiRecord = ResponseOf<'whoami'> & { url: string }

function formatClaims(record: WhoamiRecord): string {
  const { grants, groups } = record
  const lines = labelledLines([
    ['Who', record.actor],
    ['Proof', proofs[record.proof].label],
    ['Claims to be', record.claimed_actor],
    ['Subject', record.subject],
    ['Issuer', record.issuer],
    ['E-mail', record.email],
    ['Groups', groups.length === 0 ? null : groups.join(', ')],
    ['Role', record.role ?? 'none'],
    ['Output', record.can_read_output ? 'may be read' : `needs the role ${record.output_readers}`],
    ['Owners', record.respects_owners ? 'deployments of others are theirs' : 'not respected for this caller'],
    ['Source', record.source],
    ['URL', record.url],
  ])
  const roles = grants.length === 0 ? ['No role. Ask an admin.'] : ['Roles, which all count together:']
  return `${[...lines, '', ...roles, ...grants.map((grant) => `  ${grantLabel(grant)}`)].join('\n')}\n`
}

const view: RecordView<WhoamiRecord> = {
  name: ({ actor }) => actor,
  columns: {
    WHO: actorLabel,
    ROLE: ({ role }) => role ?? 'none',
    PROOF: ({ proof }) => proofs[proof].label,
    SOURCE: ({ source }) => source,
    PROJECT: ({ project }) => project,
    URL: ({ url }) => url,
  },
}
