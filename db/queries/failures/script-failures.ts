/**
 * The failures of control scripts beside actions and checks: info and notifications of a deployment, and the config
 * scripts. A row is there as long as the last run failed. Called by
 * runner/ and the doctor.
 */
import { type FragmentSqlToken, sql } from 'slonik'
import { z } from 'zod'
import type { Failure } from '../../../domain/failures/failure.ts'
import type { ScriptName } from '../../../domain/script.ts'
import type { Database } from '../../pool.ts'
import { toJsonb } from '../sql-fragments.ts'

/**
 * What a script ran for: a deployment, by its name, or a deployment config, by its hash. `configHash` null: the script
 * receives no config and concerns all deployments.
 */
export type ScriptSubject = { deployment: string } | { configHash: string | null }

/**
 * Saves nothing for a deployment or a config that does not exist: anyone may ask for the defaults of any config, and must
 * not fill the table. Also deletes what belonged to configs that no deployment has any more.
 */
export async function saveScriptFailure(
  pool: Database,
  subject: ScriptSubject,
  script: ScriptName,
  failure: Failure,
): Promise<void> {
  await pool.query(sql.unsafe`
    insert into script_failures (subject, script, failure)
    select subject, ${script}, ${toJsonb(failure)} from (${findSubject(subject)}) as found (subject)
    on conflict (subject, script) do update set failure = excluded.failure, failed_at = excluded.failed_at`)
  if ('configHash' in subject)
    await pool.query(sql.unsafe`
      delete from script_failures where subject like 'config %' and substr(subject, 8) not in (
        select config_hash from deployment_checks where config_hash is not null)`)
}

/** After a success. */
export async function deleteScriptFailure(
  pool: Database,
  subject: ScriptSubject,
  script: ScriptName,
): Promise<void> {
  await pool.query(sql.unsafe`
    delete from script_failures where script = ${script} and subject = (${findSubject(subject)})`)
}

const countRow = z.object({ script: z.string(), count: z.number() })

/** Of how many subjects the last run of a script has failed. */
export async function countFailingScripts(pool: Database): Promise<readonly z.output<typeof countRow>[]> {
  return pool.any(sql.type(countRow)`
    select script, count(*)::int as count from script_failures group by script order by script`)
}

/** A query with at most one row. */
function findSubject(subject: ScriptSubject): FragmentSqlToken {
  if ('deployment' in subject)
    return sql.fragment`select 'deployment ' || id from deployments where name = ${subject.deployment}`
  const { configHash } = subject
  if (configHash === null) return sql.fragment`select 'config'`
  return sql.fragment`select 'config ' || config_hash from deployment_checks where config_hash = ${configHash} limit 1`
}
