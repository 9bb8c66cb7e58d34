import { getListVersion } from '../../db/queries/deployments.ts'
import type { EndpointHandler } from './endpoint-handler.ts'

export const getProjectName: EndpointHandler<'getProjectName'> = async ({ settings }) => settings.PROJECT_NAME

/** Touches the database, so that it answers for more than the process. */
export const ping: EndpointHandler<'ping'> = async ({ db, settings }) => {
  await getListVersion(db)
  return new Response(settings.GIT_REVISION, { headers: { 'Content-Type': 'text/plain; charset=utf-8' } })
}
