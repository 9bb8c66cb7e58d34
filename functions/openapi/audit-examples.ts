/** Examples of the audit log. Part of examples.ts, which checks their shapes. */

const entry = {
  id: 1207,
  at: '2026-11-30T10:00:00.000000Z',
  operation: 'update',
  outcome: 'accepted' as const,
  deployment: 'feature-1',
  action_id: 42,
  actor: 'Anna',
  issuer: 'https://login.example.com',
  subject: 'anna',
  proof: 'oidc' as const,
  claimed_actor: null,
  source: 'page',
  reason: 'A new version',
  address: null,
  request_id: '0b2f7a7e-8e5b-4b7c-9f3a-2f4f6d1c9a10',
  count: 1,
  details: {
    status: { before: 'Running', after: 'UpdatePending' },
    changes: [
      {
        level: 'application' as const,
        key: 'image.tag',
        before: { tag: 'value' as const, text: 'v1' },
        after: { tag: 'value' as const, text: 'v2' },
      },
    ],
    more_changes: 0,
  },
}

export const auditExamples = {
  listAuditEntries: {
    response: {
      entries: [entry],
      next_before: null,
    },
  },
  streamAuditEntries: { response: `${JSON.stringify(entry)}\n` },
  verifyAuditLog: {
    response: {
      checked_seals: 310,
      checked_entries: 1207,
      problems: [],
      next_after: null,
      head: { seal: 310, hash: '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08' },
      given_head_seal: null,
      unsealed: { entries: 0, oldest_seconds: 0 },
      removed_until: null,
    },
  },
}
