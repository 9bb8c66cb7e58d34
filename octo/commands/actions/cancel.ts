/** `octo cancel`: cancels a queued or running action. Loaded by run.ts. */

import { Option } from 'clipanion'
import { activeAction } from '../../../client/action-outcome.ts'
import { hasEnded, kindFromWireName } from '../../../domain/actions.ts'
import type { Action, FullInfo } from '../../../domain/schemas.ts'
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
      Give either the deployment, to cancel its running action, or the action. A waiting action of the deployment starts then, which octo
      says; --all cancels it too. Without a running action it cancels the waiting one. The command ends when the server has
      accepted the cancellation; with --wait it ends when the action has ended. The script receives SIGTERM, later
      SIGKILL. A script may end by itself before; then its own result counts, and --wait exits with code 5.
    `,
    examples: [
      ['The running action of a deployment', '$0 cancel feature-1'],
      ['The running action and the one that waits for its end', '$0 cancel feature-1 --all'],
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
  all = Option.Boolean('--all', false, {
    description: 'also cancel the action that waits for the running one',
  })
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
      if (this.action !== undefined || this.wait || this.all)
        throw new CliError('usage', '-a, --all and --wait do not go with several deployments.')
      return runBulk(this.bulkHost(), 'Cancel the actions of', { operation: 'cancel' }, options)
    }
    await this.cancelOne()
    return 0
  }

  private async cancelOne(): Promise<void> {
    if (this.timeout !== undefined && !this.wait) throw new CliError('usage', '--timeout needs --wait.')
    const deadlineMs = performance.now() + parseDurationMs('--timeout', this.timeout ?? '5m')
    const { action_id, others, notes } = await this.findActions()
    // The waiting one first: it would start at the end of the other.
    for (const id of [...others, action_id]) await this.call('cancelAction', { params: { action_id: id } })
    for (const text of notes) this.note(text)
    const ended = this.wait ? await this.waitUntilEnded(action_id, deadlineMs) : null
    if (this.format !== null && ended !== 'gone') {
      const record = ended ?? (await this.call('getAction', { params: { action_id } }))
      await this.printRecords({ record }, actionView, this.format)
    }
    if (ended === 'gone' || (ended !== null && ended.state !== 'cancelled')) throw tooLate(action_id, ended)
  }

  /** The action to cancel, with --all also the one that waits for it, and what to say then. */
  private async findActions(): Promise<{ action_id: number; others: number[]; notes: string[] }> {
    if (this.name !== undefined && this.action !== undefined) {
      throw new CliError('usage', 'cancel needs NAME or -a ID, not both.')
    }
    if (this.action !== undefined) {
      if (this.all) throw new CliError('usage', '--all needs NAME.')
      return { action_id: parseId('-a', this.action), others: [], notes: [] }
    }
    if (this.name === undefined) throw new CliError('usage', 'cancel needs NAME or -a ID.')
    const name = parseName(this.name)
    const info = await this.call('getFullInfo', { params: { name } })
    const active = activeAction(info)
    const waiting = info.waiting_action ?? null
    const found = active ?? waiting
    if (found === null)
      throw new CliError(
        'refused',
        `No action of deployment ${name} is running.`,
        'There is nothing to cancel.',
      )
    const next = active === null ? null : waiting
    const others = next !== null && this.all ? [next] : []
    const notes = [`${[found, ...others].map(describe).join(' and ')} of ${name}: the cancel is accepted.`]
    if (next !== null && !this.all)
      notes.push(`${describe(next)} waits and starts then. Cancel it too: octo cancel -a ${next.action_id}`)
    return { action_id: found.action_id, others: others.map(({ action_id }) => action_id), notes }
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

const describe = ({
  action,
  action_id,
}: Pick<NonNullable<FullInfo['last_action']>, 'action' | 'action_id'>) =>
  `${kindFromWireName(action)} (action ${action_id})`

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
