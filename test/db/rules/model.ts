/** The model of model-based.test.ts: what a deployment and its actions should be, and how a call of db/ ended. */
import assert from 'node:assert/strict'
import { isStaleWrite } from '../../../db/errors.ts'
import type { ClaimedAction } from '../../../db/queries/action-lifecycle.ts'
import type { ActionKind, ActionState } from '../../../domain/actions.ts'
import { ApiError } from '../../../domain/errors.ts'
import type { Status } from '../../../domain/statuses.ts'

export type ModelAction = {
  id: number
  kind: ActionKind
  state: ActionState
  /** All claims, the last one first. Expired leases stay in the list, to try writes that must be rejected. */
  leases: ClaimedAction[]
  isClaimed: boolean
  cancel: boolean
  attempt: number
  output: string
  /** The status before this action; null once the script has started. */
  previousStatus: Status | null
}

export type ModelDeployment = { status: Status; actions: ModelAction[] }

/** The queued or running action. */
export const activeAction = (deployment: ModelDeployment | undefined) =>
  deployment?.actions.find((action) => action.state === 'queued' || action.state === 'running')

export const queuedAction = (
  id: number,
  kind: ActionKind,
  previousStatus: Status | null,
  attempt = 1,
): ModelAction => ({
  id,
  kind,
  state: 'queued',
  leases: [],
  isClaimed: false,
  cancel: false,
  attempt,
  output: '',
  previousStatus,
})

type Outcome<T> = { value: T } | { refused: string }

/** Returns the value or the code of the refusal. */
export async function outcomeOf<T>(work: Promise<T>): Promise<Outcome<T>> {
  try {
    return { value: await work }
  } catch (error) {
    if (error instanceof ApiError) return { refused: error.code }
    if (isStaleWrite(error)) return { refused: 'stale' }
    throw error
  }
}

/** Asserts that the database accepted the operation exactly when the model does. Returns whether it did. */
export function expectOutcome<T>(
  description: string,
  outcome: Outcome<T>,
  expected: string | null,
): outcome is { value: T } {
  assert.equal('refused' in outcome ? outcome.refused : null, expected, description)
  return 'value' in outcome
}
