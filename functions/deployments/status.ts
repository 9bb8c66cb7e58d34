import { getDeploymentOverrides } from '../../db/queries/deployments.ts'
import { ApiError } from '../../domain/errors.ts'
import type { EndpointHandler } from '../http/endpoint-handler.ts'
import { queryScripts } from '../http/query-scripts.ts'

export const getStatus: EndpointHandler<'getStatus'> = async (services, { param, duringScriptCall }) => {
  const { name, appOverrides, deploymentOverrides } = await getDeploymentOverrides(services.db, param('name'))
  const target = { name, appOverrides, deploymentOverrides }
  const answer = await duringScriptCall(() => queryScripts(services, { ask: 'status', target }))
  if (answer === 'away')
    throw new ApiError('stores_away', 'Redis is not reachable: the check script cannot be asked.')
  if (answer.is === 'failed') throw new ApiError('script_failed', answer.message)
  return { status: answer.is === 'ok' ? 'Ok' : 'Error' }
}
