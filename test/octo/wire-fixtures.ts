/** Records in the wire format of the API, for the fake server. */
import type { Override } from '../../domain/overrides.ts'

export const overridesOfBothLevels = {
  application: [
    ['image.tag', { tag: 'ValueAdded', contents: 'v2' }],
    ['debug', { tag: 'ValueDeleted' }],
  ] as Override[],
  deployment: [['replicas', { tag: 'ValueAdded', contents: '2' }]] as Override[],
}

export const summary = {
  action_id: 7,
  action: 'UpdateAction',
  state: 'running',
  attempt: 1,
  actor: 'ann',
  source: 'octo',
  reason: null,
  created_at: '2026-03-01T10:00:00.000Z',
  started_at: '2026-03-01T10:00:01.000Z',
  finished_at: null,
  exit_code: null,
  signal: null,
  error: null,
  truncated: false,
  cancel_requested_at: null,
  cancelled_by: null,
  failure: null,
}

export function fullInfo(name: string, extra: Record<string, unknown> = {}) {
  return {
    deployment: {
      name,
      app_overrides: overridesOfBothLevels.application,
      deployment_overrides: overridesOfBothLevels.deployment,
    },
    status: { tag: 'DeploymentNotPending', recorded_status: { tag: 'Failure', contents: 'GenericFailure' } },
    metadata: [{ name: 'app', link: `http://${name}.localhost` }],
    created_at: '2026-03-01T10:00:00.000Z',
    updated_at: '2026-03-01T10:05:00.000Z',
    revision: 12,
    last_action: null,
    last_check: null,
    ...extra,
  }
}

export function info(name: string) {
  const { deployment, metadata } = fullInfo(name)
  const actionLog = {
    deployment_app_overrides: overridesOfBothLevels.application,
    deployment_dep_overrides: [],
    duration: { months: 0, time: 1.5 },
  }
  return {
    deployment,
    metadata,
    logs: [
      {
        ...actionLog,
        action_id: 7,
        action: 'UpdateAction',
        exit_code: 1,
        created_at: '2026-03-01T10:05:00.000Z',
      },
      {
        ...actionLog,
        action_id: 3,
        action: 'CreateAction',
        exit_code: 0,
        created_at: '2026-03-01T10:00:00.123Z',
      },
    ],
  }
}

export const whoami = (role: string | null, extra: Record<string, unknown> = {}) => ({
  role,
  actor: 'ann',
  claimed_actor: null,
  proof: 'proxy',
  issuer: 'proxy',
  subject: 'ann',
  email: null,
  groups: ['shop'],
  grants:
    role === null
      ? []
      : [{ role, names: ['*'], rule: 'rule 1 of the policy: proxy group shop is admin of *' }],
  respects_owners: true,
  output_readers: 'developer',
  has_session: false,
  source: 'octo',
  project: 'p',
  can_read_output: true,
  credential_recognized: null,
  ...extra,
})

export const policyState = {
  file: '/etc/octopod/policy.yaml',
  accepted_at: '2026-03-01T10:00:00.000Z',
  problems: [],
  default_role: 'none',
  rules: ['proxy group shop is admin of *'],
}

export const accessToken = {
  token_id: 12,
  kind: 'personal',
  label: 'previews',
  name: 'Ann',
  issuer: 'https://login.example.com',
  subject: '00u1',
  owner_group: null,
  created_by: 'Ann',
  role: 'developer',
  names: ['pr-*'],
  created_at: '2026-03-01T10:00:00.000Z',
  expires_at: '2026-05-30T10:00:00.000Z',
  last_used_at: null,
  last_used_address: null,
  state: 'valid',
}

export const auditEntry = {
  id: 31,
  at: '2026-03-01T10:00:00.123Z',
  operation: 'update',
  outcome: 'accepted',
  deployment: 'shop',
  action_id: 7,
  actor: 'Ann',
  issuer: 'https://login.example.com',
  subject: '00u1',
  proof: 'oidc',
  claimed_actor: null,
  source: 'page',
  reason: 'try v2',
  address: '203.0.113.7',
  request_id: 'a1b2',
  count: 1,
  details: {
    changes: [
      {
        level: 'application',
        key: 'image.tag',
        before: { tag: 'value', text: 'v1' },
        after: { tag: 'value', text: 'v2' },
      },
      { level: 'application', key: 'db.password', before: { tag: 'masked' }, after: { tag: 'masked' } },
    ],
    more_changes: 0,
  },
}

export const auditVerification = {
  checked_seals: 310,
  checked_entries: 1207,
  problems: [],
  next_after: null,
  head: { seal: 310, hash: '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08' },
  given_head_seal: null,
  unsealed: { entries: 0, oldest_seconds: 0 },
  removed_until: null,
}

export const session = {
  session_id: 7,
  name: 'Ann',
  issuer: 'https://login.example.com',
  subject: '00u1',
  proof: 'oidc',
  created_at: '2026-03-01T10:00:00.000Z',
  last_seen_at: '2026-03-01T10:00:00.000Z',
  expires_at: '2026-03-01T22:00:00.000Z',
  address: '203.0.113.7',
  user_agent: 'Firefox',
  is_current: false,
}

export const webhooks = {
  webhooks: [
    {
      name: 'ci',
      format: 'standard',
      host: 'ci.example.com',
      waiting: 1,
      failed: 1,
      last_error: 'It answered with 502.',
    },
  ],
  failed: [
    {
      delivery_id: 12,
      webhook: 'ci',
      deployment: 'feature-1',
      old_status: 'UpdatePending',
      new_status: 'GenericFailure',
      at: '2026-03-01T10:00:00.000Z',
      attempts: 10,
      failed_at: '2026-03-03T12:00:00.000Z',
      error: 'It answered with 502.',
    },
  ],
}

export const pause = {
  what: 'checks',
  since: '2026-03-01T10:00:00.000Z',
  until: '2026-03-01T12:00:00.000Z',
  by: 'ann',
  reason: 'cluster upgrade',
}
