import { listActions as readActions } from '../../db/queries/actions.ts'
import type { EndpointHandler } from '../http/endpoint-handler.ts'

export const listActions: EndpointHandler<'listActions'> = ({ db }, { param, query }) =>
  readActions(db, param('name'), query.limit, query.before)
