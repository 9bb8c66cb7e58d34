/**
 * Waits for locks in short attempts. Whoever needs a table that a migration waits for queues behind the migration, so a
 * long wait would stop all servers. Called by db/run-migrations.ts.
 */
import type pg from 'pg'
import { backoffMs } from '../lib/backoff.ts'
import { delay } from '../lib/delay.ts'

/** A migration did not get its locks. The message names the sessions in its way and what the operator can do. */
export class LockTimeout extends Error {
  override name = 'LockTimeout'
}

export type LockRetries = {
  /** How long one attempt waits for one lock. */
  lockTimeoutMs: number
  retryForMs: number
  log: (line: string) => void
}

/** Repeats `attempt` while it fails because of a lock. It must undo what it did. Throws {@link LockTimeout}. */
export async function retryOnLockTimeout<T>(
  client: pg.Client,
  { lockTimeoutMs, retryForMs, log }: LockRetries,
  attempt: () => Promise<T>,
): Promise<T> {
  const deadline = performance.now() + retryForMs
  for (let failures = 0; ; failures += 1) {
    await client.query(`select set_config('lock_timeout', $1, false)`, [String(lockTimeoutMs)])
    try {
      return await attempt()
    } catch (error) {
      if (!isLockFailure(error)) throw error
      const sessions = await describeOldestTransactions(client)
      if (performance.now() >= deadline)
        throw new LockTimeout(
          `The migration did not get its locks within ${Math.round(retryForMs / 1000)} s. These sessions are in its way: ` +
            `${sessions}. End them with select pg_terminate_backend(PID), then run the migration again.`,
        )
      const waitMs = backoffMs(failures, 200, 5000)
      log(`The migration waits for locks and lets others pass. Oldest transactions: ${sessions}.`)
      await delay(waitMs)
    }
  }
}

/** A lock timeout or a deadlock. */
function isLockFailure(error: unknown): boolean {
  const { code, cause } = error as { code?: unknown; cause?: unknown }
  return code === '55P03' || code === '40P01' || (cause instanceof Error && isLockFailure(cause))
}

type Session = { pid: number; usename: string; application_name: string; state: string; seconds: number }

async function describeOldestTransactions(client: pg.Client): Promise<string> {
  const { rows } = await client.query<Session>(
    `select pid, usename, application_name, state, round(extract(epoch from now() - xact_start))::int as seconds
     from pg_stat_activity
     where datname = current_database() and pid <> pg_backend_pid() and xact_start is not null
     order by xact_start limit 3`,
  )
  return rows.length === 0
    ? 'none now'
    : rows
        .map(
          ({ pid, usename, application_name, state, seconds }) =>
            `PID ${pid} (user ${usename}${application_name && `, ${application_name}`}, ${state}, for ${seconds} s)`,
        )
        .join('; ')
}
