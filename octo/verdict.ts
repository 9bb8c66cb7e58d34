/**
 * What a deployment's state means for somebody who waits: go on, done, or a failure with its words. Pure rules over
 * contract §2. Called by wait.ts.
 */
import { type ActionKind, type ActionState, isActive, kindOfWire } from '../domain/action.ts'
import type { ActionSummary, FullInfo } from '../domain/shapes.ts'
import { fromRecorded, isFailure, type RecordedStatus, type Status } from '../domain/status.ts'
import { Failure } from './failure.ts'

/** Where a deployment is to arrive. */
export type Aim = 'Running' | 'Archived' | 'gone'

export const aims = {
  create: 'Running',
  update: 'Running',
  restore: 'Running',
  archive: 'Archived',
  cleanup: 'gone',
} as const satisfies Record<ActionKind, Aim>

/** `info` null: there is no such deployment. `action`: the one that was begun, null when only the deployment counts. */
export type Sight = { name: string; info: FullInfo | null; action: ActionSummary | null }

/** Null: wait on. A Failure: it cannot arrive any more. */
export function verdict(aim: Aim, { name, info, action }: Sight): 'arrived' | Failure | null {
  if (info === null) {
    if (aim !== 'Running') return 'arrived'
    return new Failure('failed', `Deployment ${name} is gone.`, 'It was cleaned up or deleted meanwhile.')
  }
  if (action !== null) {
    if (isActive(action.state)) return null
    if (action.state !== 'succeeded') return badEnd(action)
  }
  const other = info.last_action
  if (other !== null && isActive(other.state)) return underWay(aim, name, other)
  const status = statusOf(info)
  if (status === aim) return 'arrived'
  if (status === 'CreatePending' || status === 'UpdatePending')
    return aim === 'Running' ? null : strayed(aim, name, status)
  // A failed archive or restore leaves such a status too: then the last action tells.
  if (other !== null && other.state !== 'succeeded' && isBegunFor(aim, other)) return badEnd(other)
  if (status === 'ArchivePending') return aim === 'Archived' ? null : strayed(aim, name, status)
  if (isFailure(status) && aim === 'Running') {
    return new Failure(
      'failed',
      `Deployment ${name} is ${status}: its check script says it does not run.`,
      `Look at octo info -n ${name} and the output of its last action.`,
    )
  }
  return strayed(aim, name, status)
}

/**
 * The later attempt of an interrupted action: where INTERRUPTED_ACTIONS=retry, the system makes it by itself, and the
 * deployment tells of it from the moment the first one has ended. Null: there is none.
 */
export function newestAttempt({ info, action }: Sight): ActionSummary | null {
  const last = info?.last_action ?? null
  if (action?.state !== 'interrupted' || last === null) return null
  const follows =
    last.action === action.action && last.action_id > action.action_id && last.attempt > action.attempt
  return follows ? last : null
}

/** How an action ended badly, in words. */
export function badEnd(action: ActionSummary): Failure {
  const { action_id: id, state, exit_code: code, signal, error, cancelled_by: by } = action
  const what = `${kindOfWire(action.action)} (action ${id})`
  if (state === 'cancelled') {
    return new Failure('cancelled', `${what} was cancelled${by === null ? '' : ` by ${by}`}.`)
  }
  const why: Partial<Record<ActionState, string>> = {
    timed_out: 'ran out of time and was ended',
    interrupted: 'was interrupted: its runner was lost',
  }
  const exit = code !== null ? ` with exit code ${code}` : signal !== null ? ` by ${signal}` : ''
  const words = why[state] ?? `failed${exit}`
  return new Failure(
    'failed',
    `${what} ${words}.${error === null ? '' : ` ${error}`}`,
    `Its output: octo logs -a ${id}`,
  )
}

export const statusOf = (info: FullInfo): Status =>
  fromRecorded(info.status.recorded_status as RecordedStatus)

const isBegunFor = (aim: Aim, action: ActionSummary) => aims[kindOfWire(action.action)] === aim

/** Somebody else's action came after: it may lead to the same place. */
function underWay(aim: Aim, name: string, other: ActionSummary): Failure | null {
  if (isBegunFor(aim, other)) return null
  return new Failure(
    'failed',
    `Deployment ${name} will not be ${aim}: ${other.actor} began ${kindOfWire(other.action)} (action ${other.action_id}).`,
  )
}

function strayed(aim: Aim, name: string, status: Status): Failure {
  return new Failure('failed', `Deployment ${name} is ${status}, not ${aim}.`)
}
