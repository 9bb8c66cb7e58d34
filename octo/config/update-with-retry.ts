/**
 * Changes overrides with optimistic locking: reads them, applies the change, and sends them with their revision.
 * After a concurrent update the server rejects the request, and the change is applied again, so that no update is
 * lost. The Idempotency-Key identifies the change, not the body. Called by the update command and
 * create-or-update.ts.
 */
import { hash } from 'node:crypto'
import {
  type ByLevel,
  type Override,
  overridesFromWire,
  overridesToWire,
  updateOverrides,
} from '../../domain/overrides.ts'
import type { ApiClient, RequestOptions } from '../api/types.ts'
import { CliError } from '../errors/cli-error.ts'
import { describeReplaced, type OverrideChange } from './replaced-update.ts'

/** After this many concurrent updates in a row, the conflict is an error. */
const maxAttempts = 5

/** The part of ActionContext that is needed. */
type Context = { client: ApiClient; options: RequestOptions; progress: { note(text: string): void } }

/**
 * Returns the id of the update action. Notes which waiting update it has replaced. `beforeUpdate` gets the overrides that the
 * deployment has; it may throw.
 */
export async function updateWithRetry(
  { client, options, progress }: Context,
  name: string,
  { application, deployment }: ByLevel<OverrideChange>,
  beforeUpdate: (stored: ByLevel<readonly Override[]>) => Promise<void> = async () => {},
): Promise<number | null> {
  const params = { name }
  const fingerprint = hash('sha256', JSON.stringify({ application, deployment }), 'base64url')
  for (let attempt = 1; ; attempt += 1) {
    const {
      deployment: current,
      revision,
      waiting_action: waiting,
    } = await client.call('getFullInfo', { params })
    const stored = overridesFromWire(current)
    if (attempt === 1) await beforeUpdate(stored)
    const sent = {
      application: updateOverrides(stored.application, application.set, application.unset),
      deployment: updateOverrides(stored.deployment, deployment.set, deployment.unset),
    }
    const body = overridesToWire(sent)
    try {
      const conditionalOptions = { ...options, revision, fingerprint }
      const { actionId } = await client.request('updateDeployment', { params, body }, conditionalOptions)
      // The update is accepted: what cannot be read about the other one is no failure.
      const replaced = await describeReplaced(client, waiting, sent, { application, deployment }).catch(
        () => null,
      )
      if (replaced !== null) progress.note(replaced)
      return actionId
    } catch (error) {
      const isConflict = error instanceof CliError && error.code === 'precondition_failed'
      if (!isConflict || attempt === maxAttempts) throw error
    }
  }
}
