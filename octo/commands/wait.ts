/** `octo wait`: stays until a deployment has arrived where its last action leads. Loaded by run.ts. */
import { Option } from 'clipanion'
import { isActive, kindOfWire } from '../../domain/action.ts'
import type { Octopod } from '../client.ts'
import { actionDescription, checkedId, checkedName } from '../command.ts'
import { durationMs } from '../duration.ts'
import { Failure } from '../failure.ts'
import { openLeaving } from '../leaving.ts'
import { deploymentLook } from '../looks.ts'
import { OnlineCommand } from '../online.ts'
import { openProgress, type Screen } from '../progress.ts'
import { type Aim, aims } from '../verdict.ts'
import type { Goal } from '../wait.ts'

const named: Record<string, Aim> = { running: 'Running', archived: 'Archived', gone: 'gone' }

export class Wait extends OnlineCommand {
  static override paths = [['wait']]
  static override usage = OnlineCommand.Usage({
    description: 'wait until a deployment is Running, Archived or gone',
    details: `
      Where its last action (-n), or the named action (-a), leads: Running after create, update and restore, Archived
      after archive, gone after cleanup. Ends with 1 when it cannot arrive there any more, with 3 after --timeout.
    `,
    examples: [
      ['Until what was begun is there', '$0 wait -n feature-1 --timeout 15m'],
      ['Until it is archived, whatever was begun', '$0 wait -n feature-1 --for archived'],
      ['With the output of an action', '$0 wait -a 42 --follow'],
    ],
  })

  name = Option.String('-n,--name', { description: 'name of the deployment' })
  action = Option.String('-a,--action', { description: actionDescription })
  aim = Option.String('--for', { description: 'running, archived or gone' })
  follow = Option.Boolean('--follow', false, {
    description: 'show the output of the action on stderr (needs the admin credential)',
  })
  timeout = Option.String('--timeout', '1h', { description: 'such as 90s or 15m (default 1h)' })
  quiet = Option.Boolean('-q,--quiet', false, { description: 'no progress on stderr' })

  protected async act(): Promise<void> {
    const deadlineMs = performance.now() + durationMs('--timeout', this.timeout)
    const find = this.finder()
    const octopod = await this.octopod()
    const goal = await find(octopod)
    const { stderr, env } = this.context
    const progress = openProgress(stderr as unknown as Screen, env, this.quiet)
    const { name, actionId } = goal
    const leaving = openLeaving(octopod, { name, progress, cancels: false })
    leaving.stayWith(actionId)
    const { accompany } = await import('../accompany.ts')
    const { follow } = this
    const { sight, failure } = await accompany(octopod, goal, { follow, leaving, progress, deadlineMs })
    leaving.close()
    progress.end()
    if (this.format !== null && sight !== null && sight.info !== null) {
      await this.tell({ one: sight.info }, deploymentLook, this.format)
    }
    if (failure !== null) throw failure
  }

  /** What is typed wrongly is said before anything is asked. */
  private finder(): (octopod: Octopod) => Promise<Goal> {
    const { aim = '' } = this
    const wanted = Object.hasOwn(named, aim) ? (named[aim] ?? null) : null
    if (this.aim !== undefined && wanted === null) {
      throw new Failure('usage', `--for needs one of ${Object.keys(named).join(', ')}.`)
    }
    if ((this.name === undefined) === (this.action === undefined)) {
      throw new Failure('usage', 'wait needs either -n NAME or -a ID.')
    }
    if (this.action !== undefined) {
      const action_id = checkedId('-a', this.action)
      return async (octopod) => {
        const { deployment, action } = await octopod.call('getAction', { params: { action_id } })
        return { name: deployment, aim: wanted ?? aims[kindOfWire(action)], actionId: action_id }
      }
    }
    const name = checkedName(this.name ?? '')
    return async (octopod) => {
      if (wanted !== null && !this.follow) return { name, aim: wanted, actionId: null }
      const { last_action: last } = await octopod.call('getFullInfo', { params: { name } })
      const led = last === null ? 'Running' : aims[kindOfWire(last.action)]
      // What ended before counts no more: a check may have healed what an action left behind.
      const actionId = last !== null && isActive(last.state) ? last.action_id : null
      return { name, aim: wanted ?? led, actionId }
    }
  }
}
