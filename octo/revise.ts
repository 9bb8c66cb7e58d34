/**
 * Changes overrides on top of what they are: read, change, send. Where somebody was quicker the server refuses it, and it
 * is done again on top of theirs, so that no change is lost. An Idempotency-Key stands for the change, not for the body
 * that is made of it. Called by commands/update.ts and upsert.ts.
 */
import { hash } from 'node:crypto'
import { changeOverrides, type Override } from '../domain/overrides.ts'
import type { Extra, Octopod } from './client.ts'
import { Failure } from './failure.ts'

/** `set` is put on top of what is there, after `unset` was taken out of it. */
export type Change = { set: readonly Override[]; unset: readonly string[] }

/** So many in a row were quicker: then it is told. */
const mostAttempts = 5

/** Returns the id of the update. */
export async function revise(
  octopod: Octopod,
  name: string,
  { app, deployment }: { app: Change; deployment: Change },
  extra: Extra,
): Promise<number | null> {
  const params = { name }
  const fingerprint = hash('sha256', JSON.stringify({ app, deployment }), 'base64url')
  for (let attempt = 1; ; attempt += 1) {
    const { deployment: present, revision } = await octopod.call('getFullInfo', { params })
    const body = {
      app_overrides: changeOverrides(present.app_overrides, app.set, app.unset),
      deployment_overrides: changeOverrides(present.deployment_overrides, deployment.set, deployment.unset),
    }
    try {
      const based = { ...extra, revision, fingerprint }
      return (await octopod.ask('updateDeployment', { params, body }, based)).actionId
    } catch (error) {
      const late = error instanceof Failure && error.code === 'changed_meanwhile'
      if (!late || attempt === mostAttempts) throw error
    }
  }
}
