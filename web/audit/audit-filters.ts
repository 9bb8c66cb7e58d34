/** The filters of the audit log and their form in the URL and in requests. Pure functions. */
import { auditOperations, auditOutcomes } from '../../domain/audit/operations.ts'
import { parseSince } from '../../domain/audit/since.ts'
import { basePath } from '../base-path.ts'

/** An empty text: no filter. `since`: a duration such as `24h`, or a time. */
export type AuditFilters = Record<'actor' | 'deployment' | 'operation' | 'outcome' | 'since', string>

const keys = ['actor', 'deployment', 'operation', 'outcome', 'since'] as const
const isOneOf = (values: readonly string[]) => (text: string) => values.includes(text)

const isValid: Partial<Record<keyof AuditFilters, (text: string) => boolean>> = {
  operation: isOneOf(auditOperations),
  outcome: isOneOf(auditOutcomes),
  since: (text) => parseSince(text, Date.now()) !== null,
}

/** Ignores invalid values. */
export function parseFilters(search: string): AuditFilters {
  const params = new URLSearchParams(search)
  return Object.fromEntries(
    keys.map((key) => {
      const text = params.get(key)?.trim() ?? ''
      return [key, isValid[key]?.(text) === false ? '' : text]
    }),
  ) as AuditFilters
}

const present = (filters: Partial<AuditFilters>) =>
  keys.flatMap((key) => (filters[key] ? [[key, filters[key]]] : [])) as [keyof AuditFilters, string][]

export function formatFilters(filters: Partial<AuditFilters>): string {
  const entries = present(filters)
  return entries.length === 0 ? '' : `?${new URLSearchParams(entries)}`
}

/** The query of a request; `sinceMs`: not earlier than this. */
export function toQuery(filters: AuditFilters, nowMs: number, sinceMs = 0): Record<string, string> {
  const since = Math.max(sinceMs, Date.parse(parseSince(filters.since, nowMs) ?? '') || 0)
  return {
    ...Object.fromEntries(present(filters)),
    ...(since > 0 ? { since: new Date(since).toISOString() } : {}),
  }
}

export const auditPath = (filters: Partial<AuditFilters> = {}): string =>
  `${basePath}/audit${formatFilters(filters)}`
