/** `octo wait`: waits until a deployment has reached the state that its last action leads to. Loaded by run.ts. */

import { Option } from 'clipanion'
import { activeAction } from '../../../client/action-outcome.ts'
import { kindFromWireName } from '../../../domain/actions.ts'
import { createInterruptHandler } from '../../actions/interrupt-handler.ts'
import type { WaitTarget } from '../../actions/wait-and-follow.ts'
import { type TargetState, targetStates } from '../../actions/wait-outcome.ts'
import type { ApiClient } from '../../api/types.ts'
import { ApiCommand } from '../../cli/api-command.ts'
import { actionDescription, optionalNameOption, parseId, parseName } from '../../cli/base-command.ts'
import { parseDurationMs } from '../../cli/duration.ts'
import { CliError } from '../../errors/cli-error.ts'
import { deploymentView } from '../../output/columns.ts'
import { createProgress } from '../../output/progress.ts'
import type { Terminal } from '../../output/terminal-text.ts'

const targetStateByName: Record<string, TargetState> = {
  running: 'Running',
  archived: 'Archived',
  gone: 'gone',
}

export class Wait extends ApiCommand {
  static override paths = [['wait']]
  static override usage = ApiCommand.Usage({
    description: 'wait until a deployment is Running, Archived or gone',
    details: `
      Waits for the state that the last action of a deployment or a given action (-a) leads to: Running after create, update and
      restore, Archived after archive, gone after cleanup. Exit code 1 when the deployment can no longer reach that
      state, 3 after --timeout.
    `,
    examples: [
      ['Until the last action is done', '$0 wait feature-1 --timeout 15m'],
      ['Until it is archived', '$0 wait feature-1 --for archived'],
      ['With the output of an action', '$0 wait -a 42 --follow'],
    ],
  })

  name = optionalNameOption('name of the deployment, instead of NAME')
  action = Option.String('-a,--action', { description: actionDescription })
  target = Option.String('--for', { description: 'running, archived or gone' })
  follow = Option.Boolean('--follow', false, {
    description: 'show the output of the action on stderr',
  })
  timeout = Option.String('--timeout', '1h', {
    description: 'how long to wait, such as 90s or 15m (default 1h)',
  })
  quiet = Option.Boolean('-q,--quiet', false, { description: 'no progress on stderr' })

  protected async run(): Promise<void> {
    const deadlineMs = performance.now() + parseDurationMs('--timeout', this.timeout)
    const findTarget = this.createTargetFinder()
    const client = await this.client()
    const waitTarget = await findTarget(client)
    const { stderr, env } = this.context
    const progress = createProgress(stderr as unknown as Terminal, env, this.quiet)
    const { name, actionId } = waitTarget
    const interruptHandler = createInterruptHandler(client, { name, progress, cancelOnInterrupt: false })
    interruptHandler.track(actionId)
    const { waitAndFollow } = await import('../../actions/wait-and-follow.ts')
    const { follow } = this
    const { snapshot, failure } = await waitAndFollow(client, waitTarget, {
      follow,
      interruptHandler,
      progress,
      deadlineMs,
    })
    interruptHandler.close()
    progress.end()
    const { format } = this
    await this.printResult(failure, async () => {
      if (format !== null && snapshot !== null && snapshot.info !== null)
        await this.printRecords({ record: snapshot.info }, deploymentView, format)
    })
  }

  /** Checks the options before the first request. */
  private createTargetFinder(): (client: ApiClient) => Promise<WaitTarget> {
    const { target = '' } = this
    const requestedState = Object.hasOwn(targetStateByName, target)
      ? (targetStateByName[target] ?? null)
      : null
    if (this.target !== undefined && requestedState === null) {
      throw new CliError('usage', `--for needs one of ${Object.keys(targetStateByName).join(', ')}.`)
    }
    if ((this.name === undefined) === (this.action === undefined)) {
      throw new CliError('usage', 'wait needs either NAME or -a ID.')
    }
    if (this.action !== undefined) {
      const action_id = parseId('-a', this.action)
      return async (client) => {
        const { deployment, action } = await client.call('getAction', { params: { action_id } })
        return {
          name: deployment,
          targetState: requestedState ?? targetStates[kindFromWireName(action)],
          actionId: action_id,
        }
      }
    }
    const name = parseName(this.name ?? '')
    return async (client) => {
      if (requestedState !== null && !this.follow)
        return { name, targetState: requestedState, actionId: null }
      const info = await client.call('getFullInfo', { params: { name } })
      const expectedState =
        info.last_action === null ? 'Running' : targetStates[kindFromWireName(info.last_action.action)]
      // An action that has ended does not matter: the deployment may have recovered since then.
      const actionId = activeAction(info)?.action_id ?? null
      return { name, targetState: requestedState ?? expectedState, actionId }
    }
  }
}
