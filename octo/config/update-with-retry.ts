/**
 * Changes overrides on top of what they are: read, change, send. Where somebody was quicker the server refuses it, and it
 * is done again on top of theirs, so that no change is lost. An Idempotency-Key stands for the change, not for the body
 * that is made of it. Called by commands/update.ts and create-or-update.ts.
 */
import { hash } from 'node:crypto'
import {
  type ByLevel,
  type Override,
  overridesFromWire,
  overridesToWire,
  updateOverrides,
} from '../../domain/overrides.ts'
import type { ApiClient, RequestOptions } from '../api/client.ts'
import { CliError } from '../errors/cli-error.ts'

/** `set` is put on top of what is there, after `unset` was taken out of it. */
export type OverrideChange = { set: readonly Override[]; unset: readonly string[] }

/** So many in a row were quicker: then it is told. */
const maxAttempts = 5

/** Returns the id of the update. */
export async function updateWithRetry(
  client: ApiClient,
  name: string,
  { application, deployment }: ByLevel<OverrideChange>,
  options: RequestOptions,
): Promise<number | null> {
  const params = { name }
  const fingerprint = hash('sha256', JSON.stringify({ application, deployment }), 'base64url')
  for (let attempt = 1; ; attempt += 1) {
    const { deployment: current, revision } = await client.call('getFullInfo', { params })
    const stored = overridesFromWire(current)
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
