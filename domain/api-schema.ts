/**
 * The HTTP API as one table (contract §4): the server mounts it, the page and octo call it, OpenAPI is generated from
 * it. Method and path of each endpoint are in endpoints.ts.
 */
import { z } from 'zod'
import { accessEndpoints } from './access/access-endpoints.ts'
import { auditEndpoints } from './audit/audit-endpoints.ts'
import { changeEndpoints } from './changes/change-endpoints.ts'
import { doctorEndpoints } from './doctor/doctor-endpoints.ts'
import { type Endpoint, endpoints } from './endpoints.ts'
import { webhookEndpoints } from './notifications/webhook-endpoints.ts'
import { outputEndpoints } from './output/output-endpoints.ts'
import { pauseEndpoints } from './pauses/pause-endpoints.ts'
import * as shapes from './schemas.ts'
import { storage } from './settings/storage.ts'

const transitionErrors = [
  'bad_request',
  'no_such_deployment',
  'busy',
  'invalid_transition',
  'idempotency_key_reused',
  'shutting_down',
] as const
const configCheckErrors = [
  'config_rejected',
  'script_failed',
  'script_query_timeout',
  'service_unavailable',
] as const

export const actionsQuery = z.strictObject({
  before: z.coerce.number().int().min(1).optional().describe('actions with a smaller id'),
  limit: z.coerce.number().int().min(1).max(500).default(50),
})

export const api = {
  listDeployments: {
    ...endpoints.listDeployments,
    right: 'read',
    since: '1.6',
    summary: 'All deployments, newest change first; answers 304 to the current ETag',
    response: z.array(shapes.fullInfo),
    errors: [],
  },
  listDeploymentNames: {
    ...endpoints.listDeploymentNames,
    right: 'read',
    since: '2.0',
    summary: 'The names of all deployments, newest change first; answers 304 to the current ETag',
    response: shapes.deploymentNames,
    errors: [],
  },
  createDeployment: {
    ...endpoints.createDeployment,
    right: 'create',
    since: '1.6',
    summary: 'Create a deployment',
    body: shapes.createBody,
    response: shapes.success,
    errors: [
      'bad_request',
      'bad_name',
      'name_taken',
      'deployment_gone',
      'idempotency_key_reused',
      'shutting_down',
      ...configCheckErrors,
    ],
  },
  updateDeployment: {
    ...endpoints.updateDeployment,
    right: 'update',
    since: '1.6',
    summary: 'Update a deployment: the whole new set of overrides of both levels',
    body: shapes.updateBody,
    response: shapes.success,
    errors: [...transitionErrors, 'precondition_failed', ...configCheckErrors],
  },
  archiveDeployment: {
    ...endpoints.archiveDeployment,
    right: 'archive',
    since: '1.6',
    summary: 'Archive a deployment',
    response: shapes.success,
    errors: transitionErrors,
  },
  rollbackDeployment: {
    ...endpoints.rollbackDeployment,
    right: 'update',
    since: '2.0',
    summary: 'Update a deployment with the config that one of its actions had, secrets included',
    body: shapes.rollbackBody,
    response: shapes.success,
    errors: [...transitionErrors, 'precondition_failed', 'no_such_action', ...configCheckErrors],
  },
  cloneDeployment: {
    ...endpoints.cloneDeployment,
    right: 'read',
    since: '2.0',
    summary: 'Create a deployment with the config of this one, secrets included',
    body: shapes.cloneBody,
    response: shapes.success,
    errors: [
      'bad_request',
      'bad_name',
      'no_such_deployment',
      'name_taken',
      'deployment_gone',
      'idempotency_key_reused',
      'shutting_down',
      ...configCheckErrors,
    ],
  },
  restoreDeployment: {
    ...endpoints.restoreDeployment,
    right: 'restore',
    since: '1.6',
    summary: 'Restore an archived deployment',
    response: shapes.success,
    errors: [...transitionErrors, ...configCheckErrors],
  },
  cleanupDeployment: {
    ...endpoints.cleanupDeployment,
    right: 'cleanup',
    since: '1.6',
    summary: 'Clean up an archived deployment: its resources, its record and its actions',
    response: shapes.success,
    errors: transitionErrors,
  },
  stopWaiting: {
    ...endpoints.stopWaiting,
    right: 'stop_waiting',
    since: '2.0',
    summary: 'End the wait for a health check that does not pass; the deployment becomes a failure',
    response: shapes.success,
    errors: ['bad_request', 'no_such_deployment', 'busy', 'invalid_transition', 'idempotency_key_reused'],
  },
  deleteDeployment: {
    ...endpoints.deleteDeployment,
    right: 'delete',
    since: '1.6',
    summary: 'Delete the record of a deployment without running a script',
    response: shapes.success,
    errors: ['bad_request', 'no_such_deployment', 'busy', 'idempotency_key_reused'],
  },
  getFullInfo: {
    ...endpoints.getFullInfo,
    right: 'read',
    since: '1.6',
    summary: 'One deployment with its last action and its last check',
    response: shapes.fullInfoWithCheck,
    errors: ['no_such_deployment'],
  },
  getInfo: {
    ...endpoints.getInfo,
    right: 'read',
    since: '1.6',
    summary: 'One deployment with its finished actions, newest first (a list of one element)',
    response: z.array(shapes.info),
    errors: ['no_such_deployment'],
  },
  getStatus: {
    ...endpoints.getStatus,
    right: 'read',
    since: '1.6',
    summary: 'Run the check script now',
    runsScript: true,
    response: z.object({ status: z.enum(['Ok', 'Error']) }),
    errors: ['no_such_deployment', 'script_failed', 'script_query_timeout', 'service_unavailable'],
  },
  listActions: {
    ...endpoints.listActions,
    right: 'read',
    since: '2.0',
    summary: 'The actions of a deployment, newest first, a page at a time',
    query: actionsQuery,
    response: z.array(shapes.action),
    errors: ['bad_request', 'no_such_deployment'],
  },
  getAction: {
    ...endpoints.getAction,
    right: 'read',
    since: '2.0',
    summary: 'One action',
    response: shapes.action,
    errors: ['bad_request', 'no_such_action'],
  },
  cancelAction: {
    ...endpoints.cancelAction,
    right: 'cancel',
    since: '2.0',
    summary: 'Cancel a queued or running action; repeating the request changes nothing',
    response: shapes.success,
    errors: ['bad_request', 'no_such_action', 'action_finished'],
  },
  getDeploymentConfig: {
    ...endpoints.getDeploymentConfig,
    right: 'read',
    since: '1.6',
    summary: 'Default deployment config',
    runsScript: true,
    response: shapes.keyValues,
    errors: ['script_failed', 'script_query_timeout', 'service_unavailable'],
  },
  getDeploymentKeys: {
    ...endpoints.getDeploymentKeys,
    right: 'read',
    since: '1.6',
    summary: 'The keys that may be set in the deployment config',
    runsScript: true,
    response: shapes.keys,
    errors: ['script_failed', 'script_query_timeout', 'service_unavailable'],
  },
  getApplicationConfig: {
    ...endpoints.getApplicationConfig,
    right: 'read',
    since: '1.6',
    summary: 'Default application config under an effective deployment config',
    body: shapes.configInput,
    response: shapes.keyValues,
    errors: ['bad_request', 'script_failed', 'script_query_timeout', 'service_unavailable'],
  },
  getApplicationKeys: {
    ...endpoints.getApplicationKeys,
    right: 'read',
    since: '1.6',
    summary: 'The keys that may be set in the application config under an effective deployment config',
    body: shapes.configInput,
    response: shapes.keys,
    errors: ['bad_request', 'script_failed', 'script_query_timeout', 'service_unavailable'],
  },
  ping: {
    ...endpoints.ping,
    right: 'open',
    since: '1.6',
    summary: 'The git revision of this build, after a query to the database',
    response: 'text',
    errors: ['service_unavailable'],
  },
  getProjectName: {
    ...endpoints.getProjectName,
    right: 'read',
    since: '1.6',
    summary: 'The name of the project',
    response: z.string(),
    errors: [],
  },
  ...accessEndpoints,
  ...changeEndpoints,
  ...auditEndpoints,
  ...webhookEndpoints,
  ...outputEndpoints,
  ...pauseEndpoints,
  ...doctorEndpoints,
  getStorage: {
    ...endpoints.getStorage,
    right: 'read',
    since: '2.0',
    summary: 'How large the history of actions and output is, and its limits',
    response: storage,
    errors: [],
  },
} as const satisfies Record<string, Endpoint>

export type Api = typeof api
export type EndpointName = keyof Api
