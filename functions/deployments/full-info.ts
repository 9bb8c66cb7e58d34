import { getFullInfo as readFullInfo } from '../../db/deployments.ts'
import type { Answerer } from '../route.ts'

/** PostgreSQL has made the JSON; it is passed on as it is. */
export const getFullInfo: Answerer<'getFullInfo'> = async ({ db }, { param }) =>
  new Response(await readFullInfo(db, param('name')), { headers: { 'Content-Type': 'application/json' } })
