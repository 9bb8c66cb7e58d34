/** `octo policy show`: prints the policy that the server uses. Loaded by run.ts. */
import type { ResponseOf } from '../../api/types.ts'
import { ApiCommand } from '../../cli/api-command.ts'
import type { RecordView } from '../../output/formatter.ts'
import { defaultRoleSentence, numberedRules, trustRules } from '../../output/policy.ts'
import { formatTimestamp } from '../../output/table.ts'
import { toSingleLine } from '../../output/terminal-text.ts'

export class PolicyShow extends ApiCommand {
  static override paths = [['policy', 'show']]
  static override usage = ApiCommand.Usage({
    description: 'show the policy that the server uses',
    details: `
      Needs the role admin. Says why a newer file is not in use: an invalid file is rejected, and the last accepted policy stays.
    `,
    examples: [
      ['Which rules are in use?', '$0 policy show'],
      ['Is the present file in use?', "$0 policy show -o json | jq -e '.problems == []'"],
    ],
  })

  protected async run(): Promise<void> {
    const record = await this.call('getPolicy', {})
    if (this.format !== null) await this.printRecords({ record }, view, this.format)
    else await this.print(`${describeState(record).join('\n')}\n`)
  }
}

type PolicyState = ResponseOf<'getPolicy'>

function describeState({
  file,
  accepted_at,
  problems,
  default_role,
  rules,
  trust = [],
}: PolicyState): string[] {
  if (file === null)
    return [
      'OCTOPOD_POLICY is not set: there are no rules.',
      `Everybody who signs in ${default_role === 'none' ? 'has no role' : `is ${default_role} of all deployments`} (SIGNED_IN_ROLE).`,
    ]
  return [
    `${toSingleLine(file)}, accepted at ${accepted_at === null ? 'an unknown time' : formatTimestamp(accepted_at)}`,
    ...numberedRules(rules),
    defaultRoleSentence(default_role),
    ...trustRules(trust),
    ...(problems.length === 0 ? [] : ['', 'The present file is rejected, and the rules above stay in use:']),
    ...problems.map((problem) => `  ${toSingleLine(problem)}`),
  ]
}

const view: RecordView<PolicyState> = {
  name: ({ file }) => file ?? '',
  columns: {
    FILE: ({ file }) => file ?? '',
    ACCEPTED: ({ accepted_at }) => (accepted_at === null ? '' : formatTimestamp(accepted_at)),
    RULES: ({ rules }) => String(rules.length),
    TRUST: ({ trust = [] }) => String(trust.length),
    'DEFAULT ROLE': ({ default_role }) => default_role,
    PROBLEMS: ({ problems }) => problems.join(' · '),
  },
}
