/**
 * Method and path of every endpoint, and the headers of the API. Free of zod: the page loads it. Requests and responses
 * are in api-schema.ts.
 */

import type { z } from 'zod'
import type { Right } from './access/roles.ts'
import type { ErrorCode } from './errors.ts'

/** Paths are below /api/v1; `:name` is a parameter. */
export const endpoints = {
  listDeployments: { method: 'GET', path: '/deployments' },
  listDeploymentNames: { method: 'GET', path: '/deployment_names' },
  createDeployment: { method: 'POST', path: '/deployments' },
  updateDeployment: { method: 'PUT', path: '/deployments/:name' },
  archiveDeployment: { method: 'DELETE', path: '/deployments/:name' },
  rollbackDeployment: { method: 'POST', path: '/deployments/:name/rollback' },
  cloneDeployment: { method: 'POST', path: '/deployments/:name/clone' },
  restoreDeployment: { method: 'PATCH', path: '/deployments/:name/restore' },
  cleanupDeployment: { method: 'DELETE', path: '/deployments/:name/cleanup' },
  stopWaiting: { method: 'POST', path: '/deployments/:name/stop_waiting' },
  deleteDeployment: { method: 'DELETE', path: '/deployments/:name/delete' },
  getFullInfo: { method: 'GET', path: '/deployments/:name/full_info' },
  getInfo: { method: 'GET', path: '/deployments/:name/info' },
  getStatus: { method: 'GET', path: '/deployments/:name/status' },
  streamAppLogs: { method: 'GET', path: '/deployments/:name/app_logs' },
  listActions: { method: 'GET', path: '/deployments/:name/actions' },
  getAction: { method: 'GET', path: '/actions/:action_id' },
  cancelAction: { method: 'POST', path: '/actions/:action_id/cancel' },
  getOutput: { method: 'GET', path: '/actions/:action_id/output' },
  streamOutput: { method: 'GET', path: '/actions/:action_id/output/stream' },
  getLog: { method: 'GET', path: '/log/:action_id' },
  getDeploymentConfig: { method: 'GET', path: '/deployment_overrides' },
  getDeploymentKeys: { method: 'GET', path: '/deployment_override_keys' },
  getApplicationConfig: { method: 'POST', path: '/application_overrides' },
  getApplicationKeys: { method: 'POST', path: '/application_override_keys' },
  ping: { method: 'GET', path: '/ping' },
  getProjectName: { method: 'GET', path: '/project_name' },
  whoami: { method: 'GET', path: '/whoami' },
  setOwner: { method: 'PUT', path: '/deployments/:name/owner' },
  changeLabels: { method: 'PATCH', path: '/deployments/:name/labels' },
  changeMany: { method: 'POST', path: '/bulk' },
  listSessions: { method: 'GET', path: '/sessions' },
  endSession: { method: 'DELETE', path: '/sessions/:session_id' },
  listTokens: { method: 'GET', path: '/tokens' },
  createToken: { method: 'POST', path: '/tokens' },
  revokeToken: { method: 'DELETE', path: '/tokens/:token_id' },
  getDeviceLogin: { method: 'GET', path: '/device_login' },
  decideDeviceLogin: { method: 'POST', path: '/device_login' },
  exchangeToken: { method: 'POST', path: '/token' },
  getPolicy: { method: 'GET', path: '/policy' },
  explainPolicy: { method: 'GET', path: '/policy/explain' },
  listAuditEntries: { method: 'GET', path: '/audit' },
  streamAuditEntries: { method: 'GET', path: '/audit/stream' },
  verifyAuditLog: { method: 'GET', path: '/audit/verify' },
  listWebhooks: { method: 'GET', path: '/webhooks' },
  resendDelivery: { method: 'POST', path: '/webhooks/deliveries/:delivery_id/resend' },
  listPauses: { method: 'GET', path: '/pauses' },
  pauseWork: { method: 'PUT', path: '/pauses/:what' },
  resumeWork: { method: 'DELETE', path: '/pauses/:what' },
  getDoctor: { method: 'GET', path: '/doctor' },
  getStorage: { method: 'GET', path: '/storage' },
} as const

export type EndpointName = keyof typeof endpoints

/** `open`: everyone, without signing in. `known`: everyone who is known here, also without a role. */
export type RequiredRight = Right | 'open' | 'known'

export type Endpoint = {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** Below /api/v1, with `:name` for parameters. */
  path: string
  /** With `:name` or `:action_id` in the path, the right for that deployment. */
  right: RequiredRight
  summary: string
  /** The version of Octopod that introduced the endpoint. */
  since: '1.6' | '2.0'
  query?: z.ZodObject
  body?: z.ZodType
  /** A schema: JSON of that shape. `text`: plain text. `events`: server-sent events. `lines`: JSON values, one a line, without an end. */
  response: z.ZodType | 'text' | 'events' | 'lines'
  errors: readonly ErrorCode[]
  /** The body may also be form-encoded. */
  acceptsForm?: true
  /** A read that runs a control script: pages of other sites may not request it. */
  runsScript?: true
}

/** The upper limit of CONFIG_CHECK_TIMEOUT, because clients wait a little longer for an answer, not for ever. */
export const maxConfigCheckSeconds = 300

const runsConfigCheck: readonly EndpointName[] = [
  'createDeployment',
  'updateDeployment',
  'restoreDeployment',
  'rollbackDeployment',
  'cloneDeployment',
]

/** How long a client waits for the answer of an endpoint that runs config_check; null for other endpoints. */
export const configCheckWaitMs = (name: EndpointName): number | null =>
  runsConfigCheck.includes(name) ? (maxConfigCheckSeconds + 15) * 1000 : null

export const apiPrefix = '/api/v1'

/** JSON values, one a line. A program that accepts it gets the list so. */
export const lineType = 'application/x-ndjson'

/** Paths for signing in and out. They are below the address of the page, because the page and the provider use them. */
export const authPaths = {
  /** GET, for a browser: to the provider. `?returnTo=` is a path of the page. */
  login: '/auth/login',
  /** GET, for a browser: back from the provider. */
  callback: '/auth/callback',
  /** POST: exchanges the Authorization header of the request for a session. */
  session: '/auth/session',
  /** POST: ends the session of the cookie. */
  logout: '/auth/logout',
  /** POST: a program asks for an access token (RFC 8628). */
  device: '/auth/device',
  /** POST: the program asks whether somebody has approved, and gets the token. */
  deviceToken: '/auth/device/token',
} as const

/** The version of the API. A client understands servers with the same first number. */
export const apiVersion = '2.0'

/** The headers of the API. All are optional in requests. */
export const headers = {
  /** Request: a request with a key that was used before is not executed again; it gets the first answer. */
  idempotencyKey: 'Idempotency-Key',
  /** Request with a key: compared instead of the body, for a client whose body depends on the current config. */
  fingerprint: 'Octopod-Fingerprint',
  /** Request: who the client says its user is, percent-encoded UTF-8. Stored as a claim, never as the actor. */
  actor: 'Octopod-Actor',
  /** Request: page, octo, ci or api. */
  source: 'Octopod-Source',
  /** Request: the reason, percent-encoded UTF-8; stored with the action. */
  reason: 'Octopod-Reason',
  /** Update request: the revision that the client read, in quotes. Rejected when the overrides have changed since. */
  ifMatch: 'If-Match',
  /** Request of an update, archive, restore or rollback: `fail`, `wait` or `replace`, for a deployment that is busy. */
  whenBusy: 'Octopod-When-Busy',
  /** Response to an accepted action: its id. */
  actionId: 'Octopod-Action-Id',
  /** Response of the list: which deployments the caller may see. Compared with `view` of the live messages. */
  view: 'Octopod-View',
  /** Response to a request with an access token: when the token ends, ISO 8601. */
  tokenExpires: 'Octopod-Token-Expires',
  /** Response: the version of the API, so that a client knows that no other program has answered. */
  version: 'Octopod-Version',
  /** Response: the id of this request, as in the server's log. */
  requestId: 'X-Request-Id',
} as const

/** The path of an endpoint with its parameters, percent-encoded. Throws a TypeError for a missing parameter. */
export function buildPath(name: EndpointName, params: Record<string, string | number> = {}): string {
  const path = endpoints[name].path.replace(/:(\w+)/g, (_, param: string) => {
    const value = params[param]
    if (value === undefined) throw new TypeError(`${name} needs the parameter ${param}`)
    return encodeURIComponent(String(value))
  })
  return apiPrefix + path
}
