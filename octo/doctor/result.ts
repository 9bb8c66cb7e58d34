/** The results of the checks of `octo doctor`: what was checked, how it went, what to do. Made by checks.ts and server-findings.ts. */
import { type FindingCode, findingCodes, findingLink } from '../../domain/doctor/finding-codes.ts'
import type { ApiClient } from '../api/types.ts'
import type { CliError, CliErrorKind } from '../errors/cli-error.ts'

export type CheckResult = {
  check: string
  result: 'ok' | 'warning' | 'bad' | 'skipped'
  detail: string
  remedy: string | null
  kind: CliErrorKind | null
  /** Of domain/doctor/finding-codes.ts, and where it is explained; null where it has none. */
  code: FindingCode | null
  link: string | null
}
export type CheckDetail = Pick<CheckResult, 'detail'> & Partial<CheckResult>

export const toResult = (check: string, detail: CheckDetail): CheckResult => ({
  check,
  result: 'ok',
  remedy: null,
  kind: null,
  code: null,
  link: null,
  ...detail,
})

export const failedCheck = (check: string, { message, remedy, kind }: CliError): CheckResult =>
  toResult(check, { result: 'bad', detail: message, remedy, kind })

/** A finding of octo itself. */
export function toDetail(
  { connection }: ApiClient,
  code: FindingCode,
  detail: string,
  kind: CliErrorKind,
): CheckDetail {
  const { level, cure } = findingCodes[code]
  const isError = level === 'error'
  return {
    result: isError ? 'bad' : 'warning',
    kind: isError ? kind : null,
    detail,
    remedy: cure,
    code,
    link: `${connection.serverAddress}${findingLink(code)}`,
  }
}
