/** Builds deployments in the server's format for tests of the page. */
import { type Override, valueAdded as setTo } from '../../../domain/overrides.ts'
import type { ActionSummary, FullInfo } from '../../../domain/schemas.ts'
import { type Status, toRecordedStatus } from '../../../domain/statuses.ts'

type SampleOptions = {
  name?: string
  revision?: number
  status?: Status
  action?: Partial<ActionSummary> | null
  app?: Record<string, string>
  created?: string
  changed?: string
}

export function sampleDeployment(options: SampleOptions = {}): FullInfo {
  const { name = 'shop', revision = 1, status = 'Running', action = {}, app = {} } = options
  const active = action?.state === 'queued' || action?.state === 'running'
  return {
    deployment: {
      name,
      app_overrides: Object.entries(app).map(([key, value]): Override => setTo(key, value)),
      deployment_overrides: [],
    },
    status: {
      tag: active ? 'DeploymentPending' : 'DeploymentNotPending',
      recorded_status: toRecordedStatus(status) as FullInfo['status']['recorded_status'],
    },
    metadata: [],
    created_at: options.created ?? '2026-01-01T10:00:00.000000Z',
    updated_at: options.changed ?? '2026-01-02T10:00:00.000000Z',
    revision,
    last_action: action === null ? null : { ...defaultAction, ...action },
  }
}

const defaultAction: ActionSummary = {
  action_id: 1,
  action: 'CreateAction',
  state: 'succeeded',
  attempt: 1,
  actor: 'maria',
  source: 'page',
  reason: null,
  created_at: '2026-01-01T10:00:00.000000Z',
  started_at: '2026-01-01T10:00:01.000000Z',
  finished_at: '2026-01-01T10:00:09.000000Z',
  exit_code: 0,
  signal: null,
  error: null,
  truncated: false,
  cancel_requested_at: null,
  cancelled_by: null,
}
