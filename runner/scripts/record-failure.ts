/**
 * Records whether the last run of a script beside actions and checks failed, so that the page of its deployment shows it.
 * Called for info, notifications and the config scripts.
 */
import { hash } from 'node:crypto'
import {
  deleteScriptFailure,
  type ScriptSubject,
  saveScriptFailure,
} from '../../db/queries/failures/script-failures.ts'
import type { Failure } from '../../domain/failures/failure.ts'
import type { KeyValue } from '../../domain/overrides.ts'
import type { ScriptName } from '../../domain/script.ts'
import type { RunnerContext } from '../context.ts'

/** `failure` null: the script succeeded. Never rejects: the work that needed the script goes on. */
export async function recordScriptResult(
  { db, logFailure }: RunnerContext,
  subject: ScriptSubject,
  script: ScriptName,
  failure: Failure | null,
): Promise<void> {
  try {
    if (failure === null) await deleteScriptFailure(db, subject, script)
    else await saveScriptFailure(db, subject, script, failure)
  } catch (error) {
    logFailure(error, 'the result of a script could not be recorded', { script })
  }
}

/** Identifies a deployment config without its values. */
export function hashConfig(deployment: readonly KeyValue[]): string {
  const sorted = [...deployment].sort(([one], [other]) => (one < other ? -1 : 1))
  return hash('sha256', JSON.stringify(sorted), 'base64url').slice(0, 22)
}
