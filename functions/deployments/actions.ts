import { listActions as readActions } from '../../db/actions.ts'
import type { Answerer } from '../route.ts'

export const listActions: Answerer<'listActions'> = ({ db }, { param, query }) =>
  readActions(db, param('name'), query.limit, query.before)
