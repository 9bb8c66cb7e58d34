/** `octo cancel`: cancels a queued or running action. Loaded by run.ts. */

import { Option } from 'clipanion'
import { activeAction } from '../../../client/action-outcome.ts'
import { hasEnded } from '../../../domain/actions.ts'
import type { Action } from '../../../domain/schemas.ts'
import { dryRunOption, givenNames, isBulk, runBulk, yesOption } from '../../bulk/run-bulk.ts'
import { ApiCommand } from '../../cli/api-command.ts'
import { actionDescription, parseId, parseName } from '../../cli/base-command.ts'
import { parseDurationMs } from '../../cli/duration.ts'
import { CliError } from '../../errors/cli-error.ts'
import { selectorOption } from '../../labels/parse-labels.ts'
import { actionView } from '../../output/columns.ts'

export class Cancel extends ApiCommand {
  static override paths = [['cancel']]
  static override usage = ApiCommand.Usage({
    description: 'cancel an action',
    details: `
      Give either the deployment, to cancel its running action, or the action. The command ends when the server has
      accepted the cancellation; with --wait it ends when the action has ended. The script receives SIGTERM, later
      SIGKILL. A script may end by itself before; then its own result counts, and --wait exits with code 5.
    `,
    examples: [
      ['The running action of a deployment', '$0 cancel feature-1'],
      ['One action', '$0 cancel -a 42'],
      ['All of a team', '$0 cancel -l team=shop'],
      ['Wait until it has ended', '$0 cancel feature-1 --wait'],
    ],
  })

  names = Option.Rest({ name: 'NAME' })
  nameOption = Option.String('-n,--name', { description: 'name of the deployment, instead of NAME' })
  selector = selectorOption()
  dryRun = dryRunOption()
  yes = yesOption()
  action = Option.String('-a,--action', { description: actionDescription })
  wait = Option.Boolean('--wait', false, { description: 'wait until the action has ended' })
  timeout = Option.String('--timeout', { description: 'how long to wait, such as 90s (default 5m)' })

  private get name(): string | undefined {
    return this.nameOption ?? this.names[0]
  }

  protected async run(): Promise<number> {
    const { selector, dryRun, yes } = this
    const names = givenNames('cancel', this.nameOption, this.names)
    const options = { names, selector, dryRun, yes }
    if (isBulk(options)) {
      if (this.action !== undefined || this.wait)
        throw new CliError('usage', '-a and --wait do not go with several deployments.')
      return runBulk(this.bulkHost(), 'Cancel the actions of', { operation: 'cancel' }, options)
    }
    await this.cancelOne()
    return 0
  }

  private async cancelOne(): Promise<void> {
    if (this.timeout !== undefined && !this.wait) throw new CliError('usage', '--timeout needs --wait.')
    const deadlineMs = performance.now() + parseDurationMs('--timeout', this.timeout ?? '5m')
    const action_id = await this.findActionId()
    await this.call('cancelAction', { params: { action_id } })
    const ended = this.wait ? await this.waitUntilEnded(action_id, deadlineMs) : null
    if (this.format !== null && ended !== 'gone') {
      const record = ended ?? (await this.call('getAction', { params: { action_id } }))
      await this.printRecords({ record }, actionView, this.format)
    }
    if (ended === 'gone' || (ended !== null && ended.state !== 'cancelled')) throw tooLate(action_id, ended)
  }

  private async findActionId(): Promise<number> {
    if (this.name !== undefined && this.action !== undefined) {
      throw new CliError('usage', 'cancel needs NAME or -a ID, not both.')
    }
    if (this.action !== undefined) return parseId('-a', this.action)
    if (this.name === undefined) throw new CliError('usage', 'cancel needs NAME or -a ID.')
    const name = parseName(this.name)
    const info = await this.call('getFullInfo', { params: { name } })
    const found = activeAction(info) ?? info.waiting_action
    if (found) return found.action_id
    throw new CliError(
      'refused',
      `No action of deployment ${name} is running.`,
      'There is nothing to cancel.',
    )
  }

  /** `gone`: the action was a cleanup, which has deleted its deployment and its actions. */
  private async waitUntilEnded(action_id: number, deadlineMs: number): Promise<Action | 'gone'> {
    const { delay } = await import('../../../lib/delay.ts')
    for (let pollIntervalMs = 100; ; pollIntervalMs = Math.min(pollIntervalMs * 1.5, 2000)) {
      const action = await this.call('getAction', { params: { action_id } }).catch((error) => {
        if (error instanceof CliError && error.code === 'no_such_action') return 'gone' as const
        throw error
      })
      if (action === 'gone' || hasEnded(action.state)) return action
      const remainingMs = deadlineMs - performance.now()
      if (remainingMs <= 0) throw new CliError('timed_out', `Action ${action_id} is still ${action.state}.`)
      await delay(Math.min(pollIntervalMs, remainingMs))
    }
  }
}

/** The action ended by itself, although the server had accepted the cancellation. */
function tooLate(actionId: number, ended: Action | 'gone'): CliError {
  const outcome =
    ended === 'gone'
      ? 'succeeded and its deployment is gone'
      : `has ended as ${ended.state.replace('_', ' ')}`
  return new CliError(
    'refused',
    `Action ${actionId} ${outcome}: its script ended before the cancel reached it.`,
  )
}
