/**
 * Method and path of every endpoint, and the headers of the API. Free of zod: the page loads it. Requests and responses
 * are in api-schema.ts.
 */

/** Paths are below /api/v1; `:name` is a parameter. */
export const endpoints = {
  listDeployments: { method: 'GET', path: '/deployments' },
  listDeploymentNames: { method: 'GET', path: '/deployment_names' },
  createDeployment: { method: 'POST', path: '/deployments' },
  updateDeployment: { method: 'PUT', path: '/deployments/:name' },
  archiveDeployment: { method: 'DELETE', path: '/deployments/:name' },
  restoreDeployment: { method: 'PATCH', path: '/deployments/:name/restore' },
  cleanupDeployment: { method: 'DELETE', path: '/deployments/:name/cleanup' },
  stopWaiting: { method: 'POST', path: '/deployments/:name/stop_waiting' },
  deleteDeployment: { method: 'DELETE', path: '/deployments/:name/delete' },
  getFullInfo: { method: 'GET', path: '/deployments/:name/full_info' },
  getInfo: { method: 'GET', path: '/deployments/:name/info' },
  getStatus: { method: 'GET', path: '/deployments/:name/status' },
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
  getStorage: { method: 'GET', path: '/storage' },
} as const

export type EndpointName = keyof typeof endpoints

/** The upper limit of CONFIG_CHECK_TIMEOUT, because clients wait a little longer for an answer, not for ever. */
export const maxConfigCheckSeconds = 300

/** How long a client waits for the answer of an endpoint that runs config_check; null for other endpoints. */
export const configCheckWaitMs = (name: EndpointName): number | null =>
  name === 'createDeployment' || name === 'updateDeployment' || name === 'restoreDeployment'
    ? (maxConfigCheckSeconds + 15) * 1000
    : null

export const apiPrefix = '/api/v1'

/** The headers of the API. All are optional in requests. */
export const headers = {
  /** Request: a request with a key that was used before is not executed again; it gets the first answer. */
  idempotencyKey: 'Idempotency-Key',
  /** Request with a key: compared instead of the body, for a client whose body depends on the current config. */
  fingerprint: 'Octopod-Fingerprint',
  /** Request: the user, percent-encoded UTF-8. Ignored where a trusted proxy names the user. */
  actor: 'Octopod-Actor',
  /** Request: page, octo, ci or api. */
  source: 'Octopod-Source',
  /** Request: the reason, percent-encoded UTF-8; stored with the action. */
  reason: 'Octopod-Reason',
  /** Update request: the revision that the client read, in quotes. Rejected when the overrides have changed since. */
  ifMatch: 'If-Match',
  /** Response to an accepted action: its id. */
  actionId: 'Octopod-Action-Id',
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
