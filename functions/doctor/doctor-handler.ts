/** Handler of GET /doctor: what is wrong with the installation, and with this request. */
import { toFinding } from '../../domain/doctor/finding-codes.ts'
import { sortFindings } from '../../domain/doctor/judge.ts'
import { requireAllNames } from '../auth/require-right.ts'
import type { EndpointHandler } from '../http/endpoint-handler.ts'
import { collectFacts } from './probes.ts'

export const getDoctor: EndpointHandler<'getDoctor'> = async (
  services,
  { identity, isThroughUnknownProxy },
) => {
  requireAllNames(identity, 'diagnose')
  const result = await services.doctor.examine(() => collectFacts(services))
  if (!isThroughUnknownProxy) return result
  const found = toFinding(
    'proxy_not_trusted',
    'This request came through a proxy that TRUSTED_PROXIES does not name: limits and the audit log take its address for that of the callers.',
  )
  const others = result.findings.filter(({ code, subject }) => code !== 'ok' || subject !== 'access')
  return { ...result, findings: sortFindings([...others, found]) }
}
