/** The option --when-busy of commands whose action may wait behind another one. Used by update, archive, restore and rollback. */
import { Option } from 'clipanion'
import { isActive, type WhenBusy, whenBusyModes } from '../../domain/actions.ts'
import type { ApiClient, RequestOptions } from '../api/types.ts'
import { CliError } from '../errors/cli-error.ts'
import { subjectOf } from '../output/explanation.ts'

export const whenBusyOption = () =>
  Option.String('--when-busy', {
    description:
      'while another action runs: fail (default), wait for its end, or replace: cancel it, then start; a newer request takes the place of a waiting one',
  })

/** Undefined without the option: the server refuses then. */
export function parseWhenBusy(mode: string | undefined): WhenBusy | undefined {
  const known = whenBusyModes.find((one) => one === mode)
  if (mode === undefined || known !== undefined) return known
  throw new CliError('usage', `--when-busy takes ${whenBusyModes.join(', ')}.`)
}

/** The part of ActionContext that is needed. */
type Context = { client: ApiClient; options: RequestOptions; progress: { note(text: string): void } }

/** Says behind what the started action waits. */
export async function noteWaiting<Started extends { name: string; actionId: number | null }>(
  { client, options, progress }: Context,
  started: Started,
  whenBusy: WhenBusy | undefined = options.whenBusy,
): Promise<Started> {
  const { name, actionId } = started
  if (actionId === null || whenBusy === undefined || whenBusy === 'fail') return started
  const { last_action: last, waiting_action: waiting } = await client.call('getFullInfo', {
    params: { name },
  })
  if (waiting?.action_id !== actionId) return started
  const before =
    last !== null && isActive(last.state) ? `behind ${subjectOf(last)}` : `for the health check of ${name}`
  progress.note(`Action ${actionId} waits ${before}. A newer request replaces it.`)
  return started
}
