/** `octo policy check`: validates a policy file without a server. Loaded by run.ts. */
import { Option } from 'clipanion'
import { OctoCommand } from '../../cli/base-command.ts'
import { createInputReader } from '../../cli/stdin.ts'
import { CliError } from '../../errors/cli-error.ts'
import type { RecordView } from '../../output/formatter.ts'
import { defaultRoleSentence, numberedRules, trustRules } from '../../output/policy.ts'

export class PolicyCheck extends OctoCommand {
  static override paths = [['policy', 'check']]
  static override usage = OctoCommand.Usage({
    description: 'check a policy file before it is used',
    details: `
      Needs no server. Prints the rules in words, or each problem with its line and exit code 2. A server accepts exactly the
      files that this command accepts.
    `,
    examples: [
      ['In CI', '$0 policy check policy.yaml'],
      [
        'From stdin',
        'kubectl get configmap octopod-policy -o jsonpath={.data.policy\\.yaml} | octo policy check -',
      ],
    ],
  })

  file = Option.String({ name: 'FILE' })

  protected async run(): Promise<void> {
    const { file } = this
    const source = await createInputReader(this.context.stdin)('policy check', file)
    const { describeRule, parsePolicy } = await import('../../../domain/access/policy.ts')
    const { describeTrustRule } = await import('../../../domain/access/trust/trust-rule.ts')
    const parsed = parsePolicy(source)
    const problems = 'problems' in parsed ? parsed.problems : []
    const policy = 'policy' in parsed ? parsed.policy : null
    const record: CheckRecord = {
      file,
      problems,
      default_role: policy?.default_role ?? null,
      rules: policy?.rules.map(describeRule) ?? [],
      trust: policy?.trust.map(describeTrustRule) ?? [],
    }
    const failure = problems.length === 0 ? null : invalidPolicyError(file, problems)
    await this.printResult(failure, async () => {
      if (this.format !== null) await this.printRecords({ record }, view, this.format)
      else if (policy !== null) await this.print(describePolicy(record, policy.default_role))
    })
  }
}

function invalidPolicyError(file: string, problems: readonly string[]): CliError {
  const name = file === '-' ? 'The policy' : file
  const error = new CliError('settings', `${name} is no valid policy.`)
  error.details = problems
  return error
}

const describePolicy = ({ rules, trust }: CheckRecord, defaultRole: string) =>
  `${[...numberedRules(rules), defaultRoleSentence(defaultRole), ...trustRules(trust)].join('\n')}\n`

type CheckRecord = {
  file: string
  problems: string[]
  default_role: string | null
  rules: string[]
  trust: string[]
}

const view: RecordView<CheckRecord> = {
  name: ({ file }) => file,
  columns: {
    FILE: ({ file }) => file,
    RULES: ({ rules }) => String(rules.length),
    TRUST: ({ trust }) => String(trust.length),
    'DEFAULT ROLE': ({ default_role }) => default_role ?? '',
    PROBLEMS: ({ problems }) => problems.join(' · '),
  },
}
