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

/** Removes the keys in `unset`, then adds the overrides in `set`. */
export type OverrideChange = { set: readonly Override[]; unset: readonly string[] }

/** After this many concurrent updates in a row, the conflict is an error. */
const maxAttempts = 5

/** Returns the id of the update action. `beforeUpdate` gets the overrides that the deployment has; it may throw. */
export async function updateWithRetry(
  client: ApiClient,
  name: string,
  { application, deployment }: ByLevel<OverrideChange>,
  options: RequestOptions,
  beforeUpdate: (stored: ByLevel<readonly Override[]>) => Promise<void> = async () => {},
): Promise<number | null> {
  const params = { name }
  const fingerprint = hash('sha256', JSON.stringify({ application, deployment }), 'base64url')
  for (let attempt = 1; ; attempt += 1) {
    const { deployment: current, revision } = await client.call('getFullInfo', { params })
    const stored = overridesFromWire(current)
    if (attempt === 1) await beforeUpdate(stored)
    const body = overridesToWire({
      application: updateOverrides(stored.application, application.set, application.unset),
      deployment: updateOverrides(stored.deployment, deployment.set, deployment.unset),
    })
    try {
      const conditionalOptions = { ...options, revision, fingerprint }
      return (await client.request('updateDeployment', { params, body }, conditionalOptions)).actionId
    } catch (error) {
      const isConflict = error instanceof CliError && error.code === 'precondition_failed'
      if (!isConflict || attempt === maxAttempts) throw error
    }
  }
}
