import { countChanges } from '../db/deployments.ts'
import type { Answerer } from './route.ts'

export const getProjectName: Answerer<'getProjectName'> = async ({ settings }) => settings.PROJECT_NAME

/** Touches the database, so that it answers for more than the process. */
export const ping: Answerer<'ping'> = async ({ db, settings }) => {
  await countChanges(db)
  return new Response(settings.GIT_REVISION, { headers: { 'Content-Type': 'text/plain; charset=utf-8' } })
}
