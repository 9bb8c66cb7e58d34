/** One example request and answer for every endpoint, used by operation.ts. A test validates each by its schema. */

import type { z } from 'zod'
import type { Api, EndpointName } from '../../domain/api-schema.ts'
import type { OutputChunk } from '../../domain/schemas.ts'
import { auditExamples } from './audit-examples.ts'
import { doctorExample } from './doctor-example.ts'
import { pauseExamples } from './pause-examples.ts'
import { webhookExamples } from './webhook-examples.ts'

type Example<Name extends EndpointName> = (Api[Name] extends { body: infer Body extends z.ZodType }
  ? { body: z.input<Body> }
  : { body?: undefined }) & {
  response: Api[Name]['response'] extends z.ZodType ? z.output<Api[Name]['response']> : string
}

const appOverrides: [string, { tag: 'ValueAdded'; contents: string }][] = [
  ['image.tag', { tag: 'ValueAdded', contents: 'v2' }],
]
const deploymentOverrides: [string, { tag: 'ValueDeleted' }][] = [['debug', { tag: 'ValueDeleted' }]]
const deployment = {
  name: 'feature-1',
  app_overrides: appOverrides,
  deployment_overrides: deploymentOverrides,
}
const metadata = [{ name: 'app', link: 'https://feature-1.staging.example.com' }]

const summary = {
  action_id: 42,
  action: 'CreateAction' as const,
  state: 'succeeded' as const,
  attempt: 1,
  actor: 'ann',
  source: 'octo',
  reason: null,
  created_at: '2026-03-01T10:00:00.000000Z',
  started_at: '2026-03-01T10:00:00.050000Z',
  finished_at: '2026-03-01T10:00:12.300000Z',
  exit_code: 0,
  signal: null,
  error: null,
  truncated: false,
  cancel_requested_at: null,
  cancelled_by: null,
}

const fullInfo = {
  deployment,
  status: { tag: 'DeploymentNotPending' as const, recorded_status: { tag: 'Running' } },
  metadata,
  created_at: '2026-03-01T10:00:00.000000Z',
  updated_at: '2026-03-01T10:00:12.300000Z',
  revision: 1207,
  owner: null,
  labels: { team: 'shop' },
  title: null,
  last_action: summary,
}

const action = {
  ...summary,
  deployment: 'feature-1',
  failure: null,
  app_overrides: appOverrides,
  deployment_overrides: deploymentOverrides,
}
const chunk: OutputChunk = {
  seq: 1,
  stream: 'stdout',
  text: 'pulling v2\n',
  at: '2026-03-01T10:00:01.000000Z',
}
const issuer = 'https://login.example.com'
const accessToken = {
  token_id: 12,
  kind: 'personal' as const,
  label: 'nightly job',
  name: 'Ann Example',
  issuer: 'https://login.example.com',
  subject: '00u1',
  owner_group: null,
  created_by: 'Ann Example',
  role: 'developer' as const,
  names: ['shop-*'],
  created_at: '2026-03-01T08:00:00.000000Z',
  expires_at: '2026-05-30T08:00:00.000000Z',
  last_used_at: '2026-03-01T10:00:00.000000Z',
  last_used_address: '203.0.113.7',
  state: 'valid' as const,
}
const success = { tag: 'Success' as const }
const config: [string, string][] = [['replicas', '2']]
const overrides = { app_overrides: appOverrides, deployment_overrides: deploymentOverrides }

const appLogEvents = [
  { event: 'state', data: { state: 'running', resumed: false } },
  { event: 'line', data: { at: '2026-03-01T10:00:00.000Z', text: '[web-7d9f/app] listening on 8080' } },
]

export const examples: { [Name in EndpointName]: Example<Name> } = {
  listDeployments: { response: [fullInfo] },
  listDeploymentNames: { response: ['feature-1', 'feature-2'] },
  createDeployment: {
    body: { name: 'feature-1', ...overrides, labels: { team: 'shop' } },
    response: success,
  },
  updateDeployment: { body: overrides, response: success },
  archiveDeployment: { response: success },
  rollbackDeployment: { body: { action_id: 41 }, response: success },
  cloneDeployment: { body: { name: 'feature-2' }, response: success },
  restoreDeployment: { response: success },
  cleanupDeployment: { response: success },
  stopWaiting: { response: success },
  deleteDeployment: { response: success },
  getFullInfo: {
    response: {
      ...fullInfo,
      last_check: { checked_at: '2026-03-01T10:00:30.000000Z', exit_code: 0, error: null, failure: null },
      waits_until: null,
      failed_scripts: [],
    },
  },
  getInfo: {
    response: [
      {
        deployment,
        metadata,
        logs: [
          {
            action_id: 42,
            action: 'CreateAction',
            deployment_app_overrides: appOverrides,
            deployment_dep_overrides: deploymentOverrides,
            exit_code: 0,
            duration: { months: 0, time: 12.25 },
            created_at: '2026-03-01T10:00:00.000000Z',
          },
        ],
      },
    ],
  },
  getStatus: { response: { status: 'Ok' } },
  listActions: { response: [action] },
  getAction: { response: action },
  cancelAction: { response: success },
  getOutput: { response: { chunks: [chunk], done: true, state: 'succeeded' } },
  streamOutput: {
    response: `retry: 2000\n\nid: 1\nevent: chunk\ndata: ${JSON.stringify(chunk)}\n\nid: 1\nevent: end\ndata: {"state":"succeeded"}\n\n`,
  },
  streamAppLogs: {
    response: `retry: 2000\n\n${appLogEvents.map(({ event, data }, index) => `id: 6e8bc430-9c3a-11d9-9669-0800200c9a66.${index}\nevent: ${event}\ndata: ${JSON.stringify(data)}\n\n`).join('')}`,
  },
  getLog: { response: { stdout: { un_stdout: 'pulling v2\n' }, stderr: { un_stderr: '' } } },
  getDeploymentConfig: { response: config },
  getDeploymentKeys: { response: ['replicas', 'debug'] },
  getApplicationConfig: { body: config, response: [['image.tag', 'v1']] },
  getApplicationKeys: { body: config, response: ['image.tag'] },
  ping: { response: '3f1c9b2' },
  getProjectName: { response: 'octopod' },
  ...auditExamples,
  getDoctor: { response: doctorExample },
  getStorage: {
    response: {
      output: { bytes: 183_500_000, chunks: 21_400 },
      tables: [{ name: 'action_output', bytes: 96_400_000, rows: 21_400 }],
      limits: {
        OUTPUT_RETENTION: 2_592_000,
        OUTPUT_DEPLOYMENT_LIMIT: 0,
        OUTPUT_TOTAL_LIMIT: 0,
        ACTION_RETENTION: 0,
        ACTION_HISTORY_LIMIT: 0,
      },
    },
  },
  changeMany: {
    body: { operation: 'archive', names: ['feature-1', 'feature-2'] },
    response:
      '{"name":"feature-1","outcome":"accepted","action_id":42}\n{"name":"feature-2","outcome":"refused","error":{"code":"busy","message":"Deployment feature-2 is currently being processed."}}\n',
  },
  changeLabels: { body: { set: { team: 'shop' }, remove: ['old'], title: 'Search' }, response: success },
  setOwner: { body: { owner: 'ann@example.com' }, response: success },
  listSessions: {
    response: [
      {
        session_id: 7,
        name: 'Ann Example',
        issuer,
        subject: '00u1',
        proof: 'oidc',
        created_at: '2026-03-01T08:00:00.000000Z',
        last_seen_at: '2026-03-01T10:00:00.000000Z',
        expires_at: '2026-03-08T08:00:00.000000Z',
        address: '203.0.113.7',
        user_agent: 'Mozilla/5.0',
        is_current: true,
      },
    ],
  },
  endSession: { response: success },
  ...webhookExamples,
  ...pauseExamples,
  resumeWork: { response: success },
  resendDelivery: { response: success },
  listTokens: { response: [accessToken] },
  createToken: {
    body: { label: 'nightly job', expires_in_days: 90, role: 'developer', names: ['shop-*'] },
    response: { ...accessToken, token: 'octopod_pat_…' },
  },
  revokeToken: { response: success },
  getDeviceLogin: {
    response: {
      client_name: 'octo of ann on laptop',
      address: '203.0.113.7',
      is_same_address: true,
      created_at: '2026-03-01T10:00:00.000000Z',
      expires_at: '2026-03-01T10:10:00.000000Z',
    },
  },
  decideDeviceLogin: {
    body: { user_code: 'BCDF-GHJK', approve: true, expires_in_days: 90 },
    response: success,
  },
  exchangeToken: {
    body: {
      grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
      subject_token: 'eyJhbGciOiJSUzI1NiIsImtpZCI6IjEifQ.eyJpc3MiOiJodHRwczovL3…',
      subject_token_type: 'urn:ietf:params:oauth:token-type:id_token',
    },
    response: {
      access_token: 'octopod_job_…',
      issued_token_type: 'urn:ietf:params:oauth:token-type:access_token',
      token_type: 'Bearer',
      expires_in: 900,
      role: 'developer',
      names: ['pr-412'],
    },
  },
  getPolicy: {
    response: {
      file: '/etc/octopod/policy.yaml',
      accepted_at: '2026-03-01T08:00:00.000Z',
      problems: [],
      default_role: 'viewer',
      rules: ['group platform is admin of *', 'group shop is developer of shop-*'],
      trust: [
        // biome-ignore lint/suspicious/noTemplateCurlyInString: a policy file writes claims so.
        'tokens of https://token.actions.githubusercontent.com for https://octopod.example.com with repository_id 456: developer of pr-${pull_request}',
      ],
    },
  },
  explainPolicy: {
    response: {
      allowed: false,
      message:
        'Ann Example may not archive this deployment: Ben Example owns shop-1. The role operator or admin may archive this deployment, or its owner.',
      grants: [
        {
          role: 'developer',
          names: ['shop-*'],
          rule: 'rule 2 of the policy: group shop is developer of shop-*',
        },
      ],
    },
  },
  whoami: {
    response: {
      role: 'developer',
      actor: 'Ann Example',
      claimed_actor: null,
      proof: 'oidc',
      issuer,
      subject: '00u1',
      email: 'ann@example.com',
      groups: ['shop'],
      grants: [
        {
          role: 'developer',
          names: ['shop-*'],
          rule: 'rule 2 of the policy: group shop is developer of shop-*',
        },
      ],
      respects_owners: true,
      output_readers: 'developer',
      has_session: true,
      source: 'page',
      project: 'octopod',
      name_max_length: 16,
      can_read_output: true,
      credential_recognized: null,
    },
  },
}
