import { getAction as readAction } from '../../db/actions.ts'
import { type Answerer, idParam } from '../route.ts'

export const getAction: Answerer<'getAction'> = ({ db }, { param }) =>
  readAction(db, idParam(param('action_id')))
