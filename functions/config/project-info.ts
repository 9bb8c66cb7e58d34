/** Handlers for what clients read about the installation: its project name and its revision. */
import { getListVersion } from '../../db/queries/deployments.ts'
import type { EndpointHandler } from '../http/endpoint-handler.ts'

export const getProjectName: EndpointHandler<'getProjectName'> = async ({ settings }) => settings.PROJECT_NAME

/** Reads from the database, so that a success says more than that the process is alive. */
export const ping: EndpointHandler<'ping'> = async ({ db, settings }) => {
  await getListVersion(db)
  return new Response(settings.GIT_REVISION, { headers: { 'Content-Type': 'text/plain; charset=utf-8' } })
}
