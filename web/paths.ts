/**
 * Method and path of every endpoint the page calls, and the headers it sends. The compiler holds each against the
 * tables of domain/api.ts, which bring zod along and so stay out of the bundle. Read by request.ts.
 */
import type { Api, headers as apiHeaders, apiPrefix as apiPrefixOf } from '../domain/api.ts'

type PlaceOf<Name extends keyof Api> = `${Api[Name]['method']} ${Api[Name]['path']}`

export const places = {
  listDeployments: 'GET /deployments',
  createDeployment: 'POST /deployments',
  updateDeployment: 'PUT /deployments/:name',
  archiveDeployment: 'DELETE /deployments/:name',
  restoreDeployment: 'PATCH /deployments/:name/restore',
  cleanupDeployment: 'DELETE /deployments/:name/cleanup',
  deleteDeployment: 'DELETE /deployments/:name/delete',
  getFullInfo: 'GET /deployments/:name/full_info',
  listActions: 'GET /deployments/:name/actions',
  cancelAction: 'POST /actions/:action_id/cancel',
  getOutput: 'GET /actions/:action_id/output',
  streamOutput: 'GET /actions/:action_id/output/stream',
  getDeploymentConfig: 'GET /deployment_overrides',
  getDeploymentKeys: 'GET /deployment_override_keys',
  getApplicationConfig: 'POST /application_overrides',
  getApplicationKeys: 'POST /application_override_keys',
  getProjectName: 'GET /project_name',
} as const satisfies { [Name in keyof Api]?: PlaceOf<Name> }

export type PlaceName = keyof typeof places

export const apiPrefix: typeof apiPrefixOf = '/api/v1'

export const headers = {
  idempotencyKey: 'Idempotency-Key',
  source: 'Octopod-Source',
} as const satisfies Partial<typeof apiHeaders>

/** Method and address of an endpoint with its parameters filled in, percent-encoded. */
export function placeOf(name: PlaceName, params: Record<string, string | number> = {}): [string, string] {
  const [method = 'GET', path = ''] = places[name].split(' ')
  const filled = path.replace(/:(\w+)/g, (_, param: string) => encodeURIComponent(String(params[param])))
  return [method, apiPrefix + filled]
}
