/**
 * A runner whose only slot for checks is occupied, so that no check follows an action and only the action is measured.
 * The check that occupies it is that of a deployment without actions: an action would end it.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Bench } from './bench.ts'
import { query } from './datastores.ts'
import { type Program, type StoreAddresses, startRunner } from './programs.ts'
import { blockedNamePrefix } from './seed.ts'

/** The control scripts of such a runner. */
export const sleepingChecks = { check: 'exec sleep 600', archive_check: 'exec sleep 600' }

const settings = { CHECK_CONCURRENCY: '1', CHECK_TIMEOUT: '600' }
const isBlocked = `name like '${blockedNamePrefix}%'`

/** Resolves when the runner has begun the check. */
export async function startRunnerWithBlockedCheck(
  bench: Bench,
  stores: StoreAddresses,
  scripts: string,
): Promise<Program> {
  await query(
    stores.databaseUrl,
    `insert into deployments (name, status, app_overrides, deployment_overrides, links)
     select '${blockedNamePrefix}' || count(*), 'Running', '[]', '[]', '[]' from deployments where ${isBlocked}`,
  )
  const runner = await startRunner(bench, stores, scripts, settings)
  const isEachBlocked = `
    select bool_and(coalesce(lease_expires_at > now(), false)) as blocked
    from deployment_checks join deployments on id = deployment_id where ${isBlocked}`
  while (!(await query(stores.databaseUrl, isEachBlocked))[0]?.blocked) await sleep(100)
  return runner
}
