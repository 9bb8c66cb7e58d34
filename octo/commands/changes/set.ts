/** `octo set`: sets or unsets one config key of many deployments. Loaded by run.ts. */
import { Option } from 'clipanion'
import type { BulkChange } from '../../../client/send-bulk.ts'
import { dryRunOption, runBulk, yesOption } from '../../bulk/run-bulk.ts'
import { parseIdempotencyKey } from '../../cli/action-command.ts'
import { ApiCommand } from '../../cli/api-command.ts'
import { parseWhenBusy, whenBusyOption } from '../../cli/when-busy.ts'
import { CliError } from '../../errors/cli-error.ts'
import { selectorOption } from '../../labels/parse-labels.ts'
import {
  applicationConfigOption,
  deploymentConfigOption,
  readOverrides,
  readUnset,
} from '../../overrides/parse-overrides.ts'

export class SetConfig extends ApiCommand {
  static override paths = [['set']]
  static override usage = ApiCommand.Usage({
    description: 'set or unset one config key of many deployments',
    details: `
      Starts an update of each deployment that keeps its other overrides. One of -e, -o, -E and -O is needed. Prints the outcome for each
      deployment; the exit code is 5 when one is refused.
    `,
    examples: [
      ['First look', '$0 set -l team=shop -e image.tag=v2 --dry-run'],
      ['Then do it', '$0 set -l team=shop -e image.tag=v2'],
      ['Back to the default, for two', '$0 set feature-1 feature-2 -E debug'],
    ],
  })

  names = Option.Rest({ name: 'NAME' })
  selector = selectorOption()
  application = applicationConfigOption()
  deployment = deploymentConfigOption()
  unsetApplication = Option.Array('-E,--unset-app-env-override', [], {
    description: 'KEY whose override is removed',
  })
  unsetDeployment = Option.Array('-O,--unset-deployment-override', [], {
    description: 'the same for the deployment config',
  })
  dryRun = dryRunOption()
  yes = yesOption()
  reason = Option.String('--reason', { description: 'reason, stored with the action' })
  key = Option.String('--idempotency-key', {
    description: 'a key that you choose: the same command with the same key takes effect once',
  })
  whenBusy = whenBusyOption()
  quiet = Option.Boolean('-q,--quiet', false, { description: 'no progress on stderr' })

  protected async run(): Promise<number> {
    const whenBusy = parseWhenBusy(this.whenBusy)
    const change = { ...(await this.parseChange()), when_busy: whenBusy }
    const { names, selector, dryRun, yes, reason, quiet } = this
    const key = parseIdempotencyKey(this.key)
    return runBulk(this.bulkHost(), 'Update', change, { names, selector, dryRun, yes, reason, quiet, key })
  }

  private async parseChange(): Promise<BulkChange> {
    const { application, deployment } = this
    const set = await readOverrides({ application, deployment }, this.context.stdin)
    const changes: BulkChange[] = [
      ...(['application', 'deployment'] as const).flatMap((level) =>
        set[level].map(([key, value]): BulkChange => {
          const text = value.tag === 'ValueAdded' ? value.contents : ''
          return { operation: 'set', override: { level, key, value: text } }
        }),
      ),
      ...readUnset('-E', this.unsetApplication).map(
        (key): BulkChange => ({ operation: 'unset', override: { level: 'application', key } }),
      ),
      ...readUnset('-O', this.unsetDeployment).map(
        (key): BulkChange => ({ operation: 'unset', override: { level: 'deployment', key } }),
      ),
    ]
    const [change, ...more] = changes
    if (change === undefined || more.length > 0)
      throw new CliError('usage', 'set needs exactly one of -e KEY=VALUE, -o KEY=VALUE, -E KEY and -O KEY.')
    return change
  }
}
