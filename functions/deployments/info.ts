import { getInfo as readInfo } from '../../db/actions.ts'
import type { Answerer } from '../route.ts'

export const getInfo: Answerer<'getInfo'> = async ({ db }, { param }) => [await readInfo(db, param('name'))]
