/**
 * Changes overrides on top of what they are: read, change, send. Where somebody was quicker the server refuses it, and it
 * is done again on top of theirs, so that no change is lost. Called by commands/update.ts and upsert.ts.
 */
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
  for (let attempt = 1; ; attempt += 1) {
    const { deployment: present, revision } = await octopod.call('getFullInfo', { params })
    const body = {
      app_overrides: changeOverrides(present.app_overrides, app.set, app.unset),
      deployment_overrides: changeOverrides(present.deployment_overrides, deployment.set, deployment.unset),
    }
    try {
      return (await octopod.ask('updateDeployment', { params, body }, { ...extra, revision })).actionId
    } catch (error) {
      const late = error instanceof Failure && error.code === 'changed_meanwhile'
      if (!late || attempt === mostAttempts) throw error
    }
  }
}
