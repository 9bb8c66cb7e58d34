import { foundFullInfo } from '../../db/deployments.ts'
import type { Answerer } from '../route.ts'

/** PostgreSQL has made the JSON; it is passed on as it is. */
export const getFullInfo: Answerer<'getFullInfo'> = async ({ fullInfo }, { param }) => {
  const name = param('name')
  const text = foundFullInfo(await fullInfo(name), name)
  return new Response(text, { headers: { 'Content-Type': 'application/json' } })
}
