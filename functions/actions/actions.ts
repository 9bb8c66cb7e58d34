import { getAction as readAction } from '../../db/queries/actions.ts'
import { type EndpointHandler, parseActionId } from '../http/endpoint-handler.ts'

export const getAction: EndpointHandler<'getAction'> = ({ db }, { param }) =>
  readAction(db, parseActionId(param('action_id')))
