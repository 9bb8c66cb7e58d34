/** The zod schemas of the audit log, as its answers have them. Used by audit-endpoints.ts and the queries. */
import { z } from 'zod'
import { proofNames } from '../access/proof.ts'
import { auditOperations, auditOutcomes } from './operations.ts'

const timestamp = z.iso.datetime().describe('ISO 8601, UTC')

const value = z
  .discriminatedUnion('tag', [
    z.object({ tag: z.literal('value'), text: z.string().describe('at most 200 characters') }),
    z.object({ tag: z.literal('removed') }),
    z.object({ tag: z.literal('masked') }),
  ])
  .nullable()
  .describe('null: not set, so the default counts')

const change = z.object({
  level: z.enum(['application', 'deployment']),
  key: z.string(),
  before: value,
  after: value,
})

const beforeAndAfter = z.object({ before: z.string().nullable(), after: z.string().nullable() })

export const auditDetails = z.looseObject({
  changes: z.array(change).optional().describe('config keys that changed; secret values are masked'),
  more_changes: z.int().optional().describe('how many changed keys are left out'),
  waits: z.boolean().optional().describe('the action waits'),
  waits_behind_action_id: z.int().nullable().optional().describe('null: for the health check'),
  superseded_action_id: z.int().optional().describe('the waiting action that this one has replaced'),
  rollback_to_action_id: z.int().optional(),
  cloned_from: z.string().optional().describe('the deployment whose config this one got'),
  status: beforeAndAfter.optional(),
  owner: beforeAndAfter.optional(),
  labels: z
    .array(beforeAndAfter.extend({ key: z.string() }))
    .optional()
    .describe('labels that changed; null: not there'),
  more_labels: z.int().optional().describe('how many changed labels are left out'),
  title: beforeAndAfter.optional(),
  message: z.string().optional().describe('why a request was refused'),
})

export const auditEntry = z.object({
  id: z.int(),
  at: timestamp,
  operation: z.string().describe(`${auditOperations.join(', ')}; later versions may add more`),
  outcome: z.enum(auditOutcomes),
  deployment: z.string().nullable().describe('its name; the deployment may be gone'),
  action_id: z.int().nullable(),
  actor: z.string().describe('who did it, by the name at that time'),
  issuer: z.string().nullable(),
  subject: z.string().nullable(),
  proof: z.enum(proofNames),
  claimed_actor: z.string().nullable().describe('who the client said its user was, without proof'),
  source: z.string().nullable().describe('page, octo, ci or api'),
  reason: z.string().nullable(),
  address: z.string().nullable().describe('null for readers who may not see it'),
  request_id: z.string().nullable(),
  count: z.int().describe('how many equal events the entry stands for'),
  details: auditDetails,
})
export type AuditEntry = z.infer<typeof auditEntry>

export const auditPage = z.object({
  entries: z.array(auditEntry).describe('the newest first'),
  next_before: z
    .int()
    .nullable()
    .describe('`before` of the next page, which may follow an empty page; null: there are no more entries'),
})
export type AuditPage = z.infer<typeof auditPage>

/**
 * In UTC and with at most six digits of a second, because PostgreSQL knows fewer offsets. Null: before the year 1 or after 9999, or no
 * time.
 */
function toUtc(text: string): string | null {
  const at = new Date(text)
  if (Number.isNaN(at.getTime())) return null
  const [seconds = '', fraction = ''] = [at.toISOString().slice(0, 19), /\.\d{1,6}/.exec(text)?.[0]]
  return /^(?!0000)\d{4}-/.test(seconds) ? `${seconds}${fraction}Z` : null
}
const time = z.iso
  .datetime({ offset: true })
  .refine((text) => toUtc(text) !== null, 'is not in the years 1 to 9999 (UTC)')
  .overwrite((text) => toUtc(text) ?? text)

const filters = {
  actor: z
    .string()
    .min(1)
    .max(500)
    .optional()
    .describe('the name of who did it, its subject, or the name that the client claimed'),
  deployment: z.string().min(1).max(100).optional().describe('its name, also of a deployment that is gone'),
  operation: z.enum(auditOperations).optional(),
  outcome: z.enum(auditOutcomes).optional(),
  since: time.optional().describe('entries at this time or later'),
}

export const auditQuery = z.strictObject({
  ...filters,
  until: time.optional().describe('entries before this time'),
  before: z.coerce.number().int().min(1).optional().describe('entries before the one with this id'),
  limit: z.coerce.number().int().min(1).max(500).default(100),
})
export type AuditQuery = z.output<typeof auditQuery>

export const streamQuery = z.strictObject({
  ...filters,
  after: z.coerce.number().int().min(1).optional().describe('the last entry that the client has got'),
})
export type AuditStreamQuery = z.output<typeof streamQuery>

export const auditProblemKinds = [
  'seals_missing',
  'chain_broken',
  'seal_changed',
  'entries_missing',
  'entries_changed',
  'entries_unsealed',
  'entries_sealed_twice',
  'removal_invalid',
  'head_unknown',
] as const

const auditProblem = z.object({
  kind: z.enum(auditProblemKinds),
  seal: z.int().nullable().describe('where; null: the whole chain'),
  message: z.string(),
  entry_ids: z.array(z.int()).describe('at most 100'),
})
export type AuditProblem = z.infer<typeof auditProblem>

export const verifyQuery = z.strictObject({
  after: z.coerce.number().int().min(0).default(0).describe('seals with a greater number'),
  head: z
    .string()
    .regex(/^[0-9a-fA-F]{64}$/, 'is the hash of a seal: 64 hexadecimal digits')
    .optional()
    .describe('the hash of a seal that the log of a runner has named: it must be in the chain'),
})

export const auditVerification = z.object({
  checked_seals: z.int(),
  checked_entries: z.int(),
  problems: z.array(auditProblem),
  next_after: z.int().nullable().describe('`after` of the next page; null: this was the last one'),
  head: z
    .object({ seal: z.int(), hash: z.string() })
    .nullable()
    .describe('the last seal; null: there is none'),
  given_head_seal: z.int().nullable().describe('the seal with the hash `head`'),
  unsealed: z
    .object({ entries: z.int(), oldest_seconds: z.number() })
    .describe('entries that wait for the sealer'),
  removed_until: timestamp.nullable().describe('entries before this time were removed (AUDIT_RETENTION)'),
})
export type AuditVerification = z.infer<typeof auditVerification>
