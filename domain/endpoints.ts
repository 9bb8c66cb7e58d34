/**
 * Where every endpoint is: method, path, headers. Free of zod, so that the page can carry it; what is asked and answered
 * there: api.ts, which is built on this table.
 */

/** Below /api/v1, with `:name` for parameters. */
export const endpoints = {
  listDeployments: { method: 'GET', path: '/deployments' },
  createDeployment: { method: 'POST', path: '/deployments' },
  updateDeployment: { method: 'PUT', path: '/deployments/:name' },
  archiveDeployment: { method: 'DELETE', path: '/deployments/:name' },
  restoreDeployment: { method: 'PATCH', path: '/deployments/:name/restore' },
  cleanupDeployment: { method: 'DELETE', path: '/deployments/:name/cleanup' },
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
} as const

export type EndpointName = keyof typeof endpoints

export const apiPrefix = '/api/v1'

/** Headers of ours: all optional on requests. */
export const headers = {
  /** Request: the same key is the same request; a repetition acts once and gets the first answer. */
  idempotencyKey: 'Idempotency-Key',
  /** Request with a key: what the key stands for in place of the body, where that is made from what is there by then. */
  fingerprint: 'Octopod-Fingerprint',
  /** Request: who asks, percent-encoded UTF-8; believed only where no trusted header tells. */
  actor: 'Octopod-Actor',
  /** Request: page, octo, ci or api. */
  source: 'Octopod-Source',
  /** Request: why, percent-encoded UTF-8; kept with the action. */
  reason: 'Octopod-Reason',
  /** Request to update: the revision that was read, in quotes; refused when the overrides have changed since. */
  ifMatch: 'If-Match',
  /** Answer of an accepted action: its id. */
  actionId: 'Octopod-Action-Id',
  /** Answer: the id of this request, as in the server's log. */
  requestId: 'X-Request-Id',
} as const

/** The address of an endpoint with its parameters filled in, percent-encoded. */
export function buildPath(name: EndpointName, params: Record<string, string | number> = {}): string {
  const path = endpoints[name].path.replace(/:(\w+)/g, (_, param: string) => {
    const value = params[param]
    if (value === undefined) throw new TypeError(`${name} needs the parameter ${param}`)
    return encodeURIComponent(String(value))
  })
  return apiPrefix + path
}
