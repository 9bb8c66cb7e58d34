import { requireFullInfo } from '../../db/queries/deployments.ts'
import type { EndpointHandler } from '../http/endpoint-handler.ts'

/** PostgreSQL has made the JSON; it is passed on as it is. */
export const getFullInfo: EndpointHandler<'getFullInfo'> = async ({ loadFullInfo }, { param }) => {
  const name = param('name')
  const text = requireFullInfo(await loadFullInfo(name), name)
  return new Response(text, { headers: { 'Content-Type': 'application/json' } })
}
