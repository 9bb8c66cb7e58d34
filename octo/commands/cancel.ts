/** `octo cancel`: ends a queued or running action. Loaded by run.ts. */
import { Option } from 'clipanion'
import { isActive } from '../../domain/action.ts'
import { actionDescription, checkedId, checkedName } from '../command.ts'
import { durationMs } from '../duration.ts'
import { Failure } from '../failure.ts'
import { actionLook } from '../looks.ts'
import { OnlineCommand } from '../online.ts'

export class Cancel extends OnlineCommand {
  static override paths = [['cancel']]
  static override usage = OnlineCommand.Usage({
    description: 'cancel an action',
    details: `
      Give either the deployment, whose running action is meant, or the action. The command ends when the
      cancellation was accepted, with --wait when the action has ended; the script is asked to end, then killed.
    `,
    examples: [
      ['Whatever runs for a deployment', '$0 cancel -n feature-1'],
      ['One action', '$0 cancel -a 42'],
      ['Until it has ended', '$0 cancel -n feature-1 --wait'],
    ],
  })

  name = Option.String('-n,--name', { description: 'name of the deployment' })
  action = Option.String('-a,--action', { description: actionDescription })
  wait = Option.Boolean('--wait', false, { description: 'wait until the action has ended' })
  timeout = Option.String('--timeout', { description: 'how long to wait, such as 90s (default 5m)' })

  protected async act(): Promise<void> {
    if (this.timeout !== undefined && !this.wait) throw new Failure('usage', '--timeout needs --wait.')
    const deadlineMs = performance.now() + durationMs('--timeout', this.timeout ?? '5m')
    const action_id = await this.actionId()
    await this.call('cancelAction', { params: { action_id } })
    if (this.wait) await this.untilEnded(action_id, deadlineMs)
    if (this.format === null) return
    await this.tell({ one: await this.call('getAction', { params: { action_id } }) }, actionLook, this.format)
  }

  private async actionId(): Promise<number> {
    if (this.name !== undefined && this.action !== undefined) {
      throw new Failure('usage', 'cancel needs -n NAME or -a ID, not both.')
    }
    if (this.action !== undefined) return checkedId('-a', this.action)
    if (this.name === undefined) throw new Failure('usage', 'cancel needs -n NAME or -a ID.')
    const name = checkedName(this.name)
    const { last_action: last } = await this.call('getFullInfo', { params: { name } })
    if (last !== null && isActive(last.state)) return last.action_id
    throw new Failure('refused', `No action of deployment ${name} is running.`, 'Nothing to cancel.')
  }

  /** It may have ended by itself before it was asked to: that is said, for the script has run to its end. */
  private async untilEnded(action_id: number, deadlineMs: number): Promise<void> {
    const { pause } = await import('../retry.ts')
    for (let pauseMs = 100; ; pauseMs = Math.min(pauseMs * 1.5, 2000)) {
      const { state } = await this.call('getAction', { params: { action_id } })
      if (!isActive(state)) {
        if (state !== 'cancelled') this.note(`action ${action_id} ${state} before it was cancelled.`)
        return
      }
      const leftMs = deadlineMs - performance.now()
      if (leftMs <= 0) throw new Failure('timed_out', `Action ${action_id} is still ${state}.`)
      await pause(Math.min(pauseMs, leftMs))
    }
  }
}
