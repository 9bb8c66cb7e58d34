/** What the doctor of the servers finds, as rows of `octo doctor`. Called by checks.ts. */

import type { ApiClient } from '../api/types.ts'
import { CliError } from '../errors/cli-error.ts'
import { type CheckResult, failedCheck, toResult } from './result.ts'

/** What the servers find, for admins of all names: a row for each finding. */
export async function readServerFindings(client: ApiClient): Promise<CheckResult[]> {
  try {
    const { findings } = await client.call('getDoctor', {})
    return findings.map(({ code, level, subject, message, cure, link }) =>
      toResult(subject, {
        result: level === 'error' ? 'bad' : level,
        kind: level === 'error' ? 'failed' : null,
        detail: message,
        remedy: cure,
        code: code === 'ok' ? null : code,
        link: link === null ? null : `${client.connection.serverAddress}${link}`,
      }),
    )
  } catch (error) {
    if (!(error instanceof CliError)) throw error
    if (error.kind === 'not_allowed')
      return [
        toResult('doctor', {
          result: 'skipped',
          detail: 'only admins of all names may see what the servers find',
        }),
      ]
    // An older server.
    if (error.status === 404)
      return [toResult('doctor', { result: 'skipped', detail: 'the server has no doctor' })]
    return [failedCheck('doctor', error)]
  }
}

/** The own checks have said the same already, for callers without the right too. */
export function withoutRepetitions(findings: CheckResult[], checks: readonly CheckResult[]): CheckResult[] {
  const isOwnCheck = new Set(checks.map(({ check }) => check))
  const isRejected = checks.some(({ check, result }) => check === 'policy' && result === 'bad')
  return findings.filter(
    ({ check, result, code }) =>
      !(result === 'ok' && isOwnCheck.has(check)) && !(isRejected && code === 'policy_rejected'),
  )
}
