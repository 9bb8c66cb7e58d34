import { getInfo as readInfo } from '../../db/queries/actions.ts'
import type { EndpointHandler } from '../http/endpoint-handler.ts'

export const getInfo: EndpointHandler<'getInfo'> = async ({ db }, { param }) => [
  await readInfo(db, param('name')),
]
